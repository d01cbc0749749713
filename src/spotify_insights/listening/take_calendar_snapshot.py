"""Compute the snapshot of a stretch of the calendar from its plays: who and what was played most, when."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

from spotify_insights.audio_features.values import FEATURE_NAMES, AudioFeatures
from spotify_insights.listening.analytics.columns import PROVIDERS, PlayColumns, TrackColumns
from spotify_insights.listening.analytics.local_time import (
    DAYS_PER_WEEK,
    SECONDS_PER_DAY,
    SECONDS_PER_HOUR,
    day_of,
    local_seconds,
    weekdays,
)
from spotify_insights.listening.analytics.period import Period
from spotify_insights.listening.analytics.play_rule import counted
from spotify_insights.listening.heard_history import HeardHistory, HeardTrack
from spotify_insights.listening.rhythm import circular_mean
from spotify_insights.listening.snapshot import (
    PlayRuleName,
    PlaysBefore,
    Rhythm,
    Snapshot,
    TopArtist,
    TopTrack,
)
from spotify_insights.listening.take_snapshot import compose_snapshot
from spotify_insights.listening.time_range import CalendarRange
from spotify_insights.listening.weights import WeightedTrack

# As many as Spotify's own lists have.
LISTED: Final = 50

_HOURS: Final = 24
# More days than any calendar here has, so that a pair of a number and a day is one number.
_DAYS: Final = 1 << 20

Numbers = NDArray[np.int64]


def take_calendar_snapshot(heard: HeardHistory, period: Period, time_range: CalendarRange) -> Snapshot:
    """Compute the snapshot of one listener's period. Pure, and the same for the same plays.

    Tracks and artists are ranked by plays; of equally many, what was played on more days comes first, and
    then the order of the ids decides. A play counts for every artist in the credits, each once. Sound and
    moods weigh every track that was played by its plays; the lists keep the first `LISTED` of each. A song
    that is known under several ids is one track.

    `snapshot_date` is the last day of the period. Without a play in it `rhythm` is None, and nothing is
    listed.

    Raises:
        InvalidInputError: the zone of the period is unknown.
    """
    tracks = heard.columns.tracks
    plays = counted(heard.columns, period.since, period.until, heard.counting)
    wall = local_seconds(plays.ended_at, period.timezone)
    counts = _counts(plays, wall)
    catalogue = [heard.catalogue[track_id] for track_id in tracks.track_id[counts.rows].tolist()]
    return compose_snapshot(
        snapshot_date=period.last_day,
        time_range=time_range,
        timezone=period.timezone,
        weighted=_weighted(tracks, counts),
        top_tracks=_top_tracks(catalogue, counts),
        top_artists=_top_artists(catalogue, counts, heard, period),
        rhythm=_rhythm(plays, wall, heard, period),
    )


@dataclass(frozen=True, slots=True)
class _Counts:
    """The tracks that were played, by their row in `TrackColumns`, ascending, with their plays and days.

    `pairs` has, for each track and day on which it was played, the place of the track in `rows` and the day.
    """

    rows: NDArray[np.intp]
    plays: Numbers
    days: Numbers
    pairs: tuple[Numbers, Numbers]


def _counts(plays: PlayColumns, wall: Numbers) -> _Counts:
    rows, place, number = np.unique(plays.track, return_inverse=True, return_counts=True)
    pairs = np.unique(place.astype(np.int64) * _DAYS + wall // SECONDS_PER_DAY)
    places, days = pairs // _DAYS, pairs % _DAYS
    return _Counts(
        rows=rows.astype(np.intp),
        plays=number.astype(np.int64),
        days=np.bincount(places, minlength=len(rows)).astype(np.int64),
        pairs=(places, days),
    )


def _ranked(ids: Sequence[str], plays: Numbers, days: Numbers) -> list[int]:
    """Places in `ids`, the most played first, as many as are listed."""
    keys = zip((-plays).tolist(), (-days).tolist(), ids, range(len(ids)), strict=True)
    return [place for *_, place in sorted(keys)[:LISTED]]


def _top_tracks(catalogue: Sequence[HeardTrack], counts: _Counts) -> tuple[TopTrack, ...]:
    ids = [track.spotify_id for track in catalogue]
    return tuple(
        TopTrack(
            rank=rank,
            spotify_id=ids[place],
            name=catalogue[place].name,
            artists=tuple(artist.name for artist in catalogue[place].artists),
            plays=int(counts.plays[place]),
        )
        for rank, place in enumerate(_ranked(ids, counts.plays, counts.days), start=1)
    )


def _top_artists(
    catalogue: Sequence[HeardTrack], counts: _Counts, heard: HeardHistory, period: Period
) -> tuple[TopArtist, ...]:
    artists = {artist.spotify_id: artist for track in catalogue for artist in track.artists}
    ids = list(artists)
    number = {spotify_id: place for place, spotify_id in enumerate(ids)}
    credits_of = [tuple({number[artist.spotify_id]: None for artist in track.artists}) for track in catalogue]
    lengths = np.array([len(credited) for credited in credits_of], dtype=np.int64)
    credited = np.array([artist for each in credits_of for artist in each], dtype=np.int64)
    plays = np.bincount(credited, weights=np.repeat(counts.plays, lengths), minlength=len(ids))
    days = _days_of_artists(counts, lengths, credited, number_of_artists=len(ids))
    ranked = _ranked(ids, plays.astype(np.int64), days)
    last_plays = _last_plays_before(heard, period, {ids[place] for place in ranked})
    return tuple(
        TopArtist(
            rank=rank,
            spotify_id=ids[place],
            name=artists[ids[place]].name,
            genres=artists[ids[place]].genres,
            plays=int(plays[place]),
            last_played_before=last_plays.get(ids[place]),
        )
        for rank, place in enumerate(ranked, start=1)
    )


def _days_of_artists(
    counts: _Counts, lengths: Numbers, credited: Numbers, *, number_of_artists: int
) -> Numbers:
    places, days = counts.pairs
    begins = np.cumsum(lengths) - lengths
    repeated = lengths[places]
    # For each pair of track and day the places of its credits: the first one, and those behind it.
    within = np.arange(int(repeated.sum())) - np.repeat(np.cumsum(repeated) - repeated, repeated)
    artists = credited[np.repeat(begins[places], repeated) + within]
    pairs = np.unique(artists * _DAYS + np.repeat(days, repeated))
    return np.bincount(pairs // _DAYS, minlength=number_of_artists).astype(np.int64)


def _last_plays_before(heard: HeardHistory, period: Period, artists: set[str]) -> Mapping[str, date]:
    """The day of the last play before the period, by artist."""
    earlier = counted(heard.columns, 0, period.since, heard.counting)
    # Of each track the last play: the first one from behind.
    rows, from_behind = np.unique(earlier.track[::-1], return_index=True)
    last: dict[str, int] = {}
    track_ids = heard.columns.tracks.track_id[rows].tolist()
    for track_id, place in zip(track_ids, (len(earlier) - 1 - from_behind).tolist(), strict=True):
        for artist in heard.catalogue[track_id].artists:
            if artist.spotify_id in artists:
                last[artist.spotify_id] = max(last.get(artist.spotify_id, 0), place)
    days = local_seconds(earlier.ended_at, period.timezone) // SECONDS_PER_DAY
    return {spotify_id: day_of(int(days[place])) for spotify_id, place in last.items()}


def _weighted(tracks: TrackColumns, counts: _Counts) -> list[WeightedTrack]:
    known = ~np.isnan(tracks.features[counts.rows])
    values = _as_told(tracks.features[counts.rows]).tolist()
    suppliers = tracks.providers[counts.rows].tolist()
    return [
        WeightedTrack(
            weight=float(weight),
            features=AudioFeatures.model_construct(
                **{
                    name: value if is_known else None
                    for name, value, is_known in zip(FEATURE_NAMES, told, known_here, strict=True)
                }
            ),
            providers={
                name: PROVIDERS[supplier]
                for name, supplier in zip(FEATURE_NAMES, supplied, strict=True)
                if supplier >= 0
            },
        )
        for weight, told, known_here, supplied in zip(
            counts.plays.tolist(), values, known.tolist(), suppliers, strict=True
        )
    ]


def _as_told(values: NDArray[np.float32]) -> NDArray[np.float64]:
    """The shortest decimals that these numbers of seven digits may stand for: what a provider told."""
    different, place = np.unique(values, return_inverse=True)
    return np.array([float(str(value)) for value in different], dtype=np.float64)[place].reshape(values.shape)


def _rhythm(plays: PlayColumns, wall: Numbers, heard: HeardHistory, period: Period) -> Rhythm | None:
    """As `rhythm.listening_rhythm`, from columns."""
    if not len(plays):
        return None
    days = wall // SECONDS_PER_DAY
    seconds, number = np.unique(wall % SECONDS_PER_DAY, return_counts=True)
    plays_at = {
        second / SECONDS_PER_HOUR: many
        for second, many in zip(seconds.tolist(), number.tolist(), strict=True)
    }
    mean_hour, concentration = circular_mean(plays_at)
    rule: PlayRuleName = heard.counting.rule.value
    return Rhythm(
        plays=len(plays),
        days=len(np.unique(days)),
        first_play_at=_moment(int(plays.ended_at[0])),
        last_play_at=_moment(int(plays.ended_at[-1])),
        hours=_shares(wall % SECONDS_PER_DAY // SECONDS_PER_HOUR, _HOURS),
        weekdays=_shares(weekdays(days), DAYS_PER_WEEK),
        mean_hour=mean_hour,
        concentration=concentration,
        before=_before(heard, period),
        play_rule=rule,
    )


def _before(heard: HeardHistory, period: Period) -> PlaysBefore | None:
    if period.before is None:
        return None
    ever = counted(heard.columns, 0, period.since, heard.counting)
    if not len(ever):
        return None
    wall = local_seconds(ever.ended_at, period.timezone)
    before = ever.between(period.before.since, period.before.until)
    days = np.unique(local_seconds(before.ended_at, period.timezone) // SECONDS_PER_DAY)
    return PlaysBefore(plays=len(before), days=len(days), since=day_of(int(wall[0] // SECONDS_PER_DAY)))


def _shares(values: Numbers, number: int) -> tuple[float, ...]:
    plays: list[int] = np.bincount(values, minlength=number).tolist()
    return tuple(many / len(values) for many in plays)


def _moment(second: int) -> datetime:
    return datetime.fromtimestamp(second, UTC)
