"""Compute the snapshot of a week from its plays: who and what was played most, and what came before."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from spotify_insights.listening.snapshot import PlaysBefore, Snapshot, TopArtist, TopTrack
from spotify_insights.listening.take_snapshot import SuppliedFeatures, take_snapshot
from spotify_insights.listening.time_range import CalendarRange
from spotify_insights.listening.week import Week

# As many as Spotify's own lists have.
_LISTED: Final = 50


@dataclass(frozen=True)
class HeardArtist:
    """An artist in the credits of a track that was played."""

    spotify_id: str
    name: str
    genres: tuple[str, ...] = ()


@dataclass(frozen=True)
class HeardTrack:
    """A track that was played, with its credits in order."""

    spotify_id: str
    name: str
    artists: tuple[HeardArtist, ...]


@dataclass(frozen=True)
class Play:
    """One play of a track."""

    track: HeardTrack
    ended_at: datetime


@dataclass(frozen=True)
class WeekEvidence:
    """What a week's snapshot is made of; which plays count is decided by whoever loads them.

    `plays_before` are the ends of the plays of the week before; `artists_last_played_at` has, by
    spotify_id, the last play before this week of every artist in `plays` who had one;
    `first_play_at` is the first play of all.
    """

    plays: Sequence[Play]
    features: Mapping[str, SuppliedFeatures]
    plays_before: Sequence[datetime]
    artists_last_played_at: Mapping[str, datetime]
    first_play_at: datetime | None


def take_week_snapshot(evidence: WeekEvidence, week: Week, *, timezone: str) -> Snapshot:
    """Compute the snapshot of one listener's week. Pure, and independent of the order of the plays.

    Tracks and artists are ranked by plays; of equally many, what was played on more days comes first, and
    then the order of the ids decides. A play counts for every artist in the credits, each once. Sound and
    moods weigh every track that was played by its plays; the lists keep the first `_LISTED` of each.

    Raises: as `take_snapshot`.
    """
    snapshot = take_snapshot(
        snapshot_date=week.ends_on,
        time_range=CalendarRange.WEEK,
        timezone=timezone,
        top_tracks=_top_tracks(evidence.plays, timezone),
        top_artists=_top_artists(evidence, timezone)[:_LISTED],
        features=evidence.features,
        plays_ended_at=[play.ended_at for play in evidence.plays],
    )
    compared = {"before": _before(evidence, week, timezone)}
    return snapshot.model_copy(
        update={
            "top_tracks": snapshot.top_tracks[:_LISTED],
            "rhythm": snapshot.rhythm.model_copy(update=compared) if snapshot.rhythm else None,
        }
    )


def _top_tracks(plays: Sequence[Play], timezone: str) -> list[TopTrack]:
    tracks = {play.track.spotify_id: play.track for play in plays}
    heard = [(play.track.spotify_id, play.ended_at) for play in plays]
    return [
        TopTrack(
            rank=rank,
            spotify_id=spotify_id,
            name=tracks[spotify_id].name,
            artists=tuple(artist.name for artist in tracks[spotify_id].artists),
            plays=count,
        )
        for rank, (spotify_id, count) in enumerate(_ranked(heard, timezone), start=1)
    ]


def _top_artists(evidence: WeekEvidence, timezone: str) -> list[TopArtist]:
    artists = {artist.spotify_id: artist for play in evidence.plays for artist in play.track.artists}
    heard = [
        (spotify_id, play.ended_at)
        for play in evidence.plays
        for spotify_id in {artist.spotify_id for artist in play.track.artists}
    ]
    return [
        TopArtist(
            rank=rank,
            spotify_id=spotify_id,
            name=artists[spotify_id].name,
            genres=artists[spotify_id].genres,
            plays=count,
            last_played_before=_day(evidence.artists_last_played_at.get(spotify_id), timezone),
        )
        for rank, (spotify_id, count) in enumerate(_ranked(heard, timezone), start=1)
    ]


def _ranked(heard: Sequence[tuple[str, datetime]], timezone: str) -> list[tuple[str, int]]:
    """Ids with their number of plays, the most played first."""
    zone = ZoneInfo(timezone)
    plays = Counter(spotify_id for spotify_id, _ in heard)
    days = Counter(spotify_id for spotify_id, _ in {(name, at.astimezone(zone).date()) for name, at in heard})
    order = sorted(plays, key=lambda spotify_id: (-plays[spotify_id], -days[spotify_id], spotify_id))
    return [(spotify_id, plays[spotify_id]) for spotify_id in order]


def _before(evidence: WeekEvidence, week: Week, timezone: str) -> PlaysBefore | None:
    first_day = _day(evidence.first_play_at, timezone)
    if first_day is None or first_day >= week.begins_on:
        return None
    zone = ZoneInfo(timezone)
    return PlaysBefore(
        plays=len(evidence.plays_before),
        days=len({moment.astimezone(zone).date() for moment in evidence.plays_before}),
        since=first_day,
    )


def _day(moment: datetime | None, timezone: str) -> date | None:
    return None if moment is None else moment.astimezone(ZoneInfo(timezone)).date()
