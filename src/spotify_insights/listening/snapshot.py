"""A snapshot: what one listener's music looked like on one day over one time range. Pure values."""

import hashlib
import json
from datetime import date, datetime
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from spotify_insights.listening.time_range import SnapshotRange

PlayRuleName = Literal["spotify", "lastfm", "all"]
"""The values of `analytics.play_rule.PlayRule`."""
SPOTIFY_RULE: Final = "spotify"


def _is_unknown(value: object) -> bool:
    return value is None


def _is_spotifys(value: object) -> bool:
    return value == SPOTIFY_RULE


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True)


class FeatureSummary(_Value):
    """One audio feature over the top tracks of the range, in a calendar range over all that were played.

    `mean` is weighted by rank, in a calendar range by plays (the median for tempo), `spread` the weighted
    standard deviation, `n` the tracks that have the feature, `margin` half the width of the 95 % interval of
    the mean (for tempo, too; the median's is about a quarter wider).
    """

    mean: float
    spread: float
    n: int
    margin: float


class MoodPatterns(_Value):
    """Shares of the music in each part of the valence and energy plane; they add up to 1.

    They describe the music, not the person who plays it.
    """

    upbeat: float
    intense: float
    wistful: float
    calm: float
    neutral: float


class PlaysBefore(_Value):
    """What came before: plays and days of the same days of the week, month or year before.

    `since` is the day of the first play of all.
    """

    plays: int
    days: int
    since: date


class Rhythm(_Value):
    """When plays happened, in the listener's own time zone, from plays we hold inside the range.

    `hours` are 24 shares from midnight on, `weekdays` 7 shares from Monday on; each adds up to 1.
    `concentration` in [0, 1] is the length of the mean vector on the 24-hour circle and `mean_hour`
    its direction in hours (both 0 where the plays cancel out); `days` counts the distinct local days
    with a play. Moments are in whole seconds. `before` is there for a week, a month or a year that is
    not the first one with plays.
    `play_rule` says what counted as a play; it is left out where that is Spotify's rule of 30 seconds.
    """

    plays: int
    days: int
    first_play_at: datetime
    last_play_at: datetime
    hours: tuple[float, ...]
    weekdays: tuple[float, ...]
    mean_hour: float
    concentration: float
    # What only calendar ranges know is left out elsewhere: the others keep their JSON and their hash.
    before: PlaysBefore | None = Field(default=None, exclude_if=_is_unknown)
    # Counted by another rule it is another snapshot, even where no play is on the other side of both.
    play_rule: PlayRuleName = Field(default=SPOTIFY_RULE, exclude_if=_is_spotifys)


class TopTrack(_Value):
    """A ranked track; `plays` in calendar ranges only, since Spotify ranks without counting."""

    rank: int
    spotify_id: str
    name: str
    artists: tuple[str, ...]
    plays: int | None = Field(default=None, exclude_if=_is_unknown)


class TopArtist(_Value):
    """A ranked artist; in calendar ranges with `plays` and the day of the last play before, if any."""

    rank: int
    spotify_id: str
    name: str
    genres: tuple[str, ...] = ()
    plays: int | None = Field(default=None, exclude_if=_is_unknown)
    last_played_before: date | None = Field(default=None, exclude_if=_is_unknown)


class Coverage(_Value):
    """How much of the music has audio features.

    `tracks` are the top tracks, in a calendar range all that were played. `share` is the part of their weight
    that has them: by rank, in a calendar range by plays. `providers` splits that part by who supplied valence
    and energy and adds up to 1 (empty where nobody did).
    """

    tracks: int
    tracks_with_features: int
    share: float
    providers: dict[str, float]


class Snapshot(_Value):
    """Everything computed for (listener, day, range).

    `audio_features` is empty, and mood and diversity are None, where coverage is below 40 % or fewer
    than 10 tracks have features: thin evidence is said, not shown. A single feature that meets these
    limits less well than the others is left out by itself. `rhythm` is None without plays.
    `mood_diversity_score` in [0, 1] is normalised entropy; `effective_moods` its Hill number in [1, 4].
    Both ask for more evidence than the mood shares and may be None beside them.
    """

    snapshot_date: date
    time_range: SnapshotRange
    timezone: str
    audio_features: dict[str, FeatureSummary]
    mood_patterns: MoodPatterns | None
    mood_diversity_score: float | None
    effective_moods: float | None
    rhythm: Rhythm | None
    top_tracks: tuple[TopTrack, ...]
    top_artists: tuple[TopArtist, ...]
    coverage: Coverage

    @property
    def content_hash(self) -> str:
        """SHA-256 in hexadecimal over the canonical JSON: equal content gives an equal hash."""
        canonical = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()
