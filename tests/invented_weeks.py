"""Weeks that nobody lived: any snapshot made into one of a week, and weeks made of invented plays."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np

from spotify_insights.audio_features.values import FEATURE_NAMES
from spotify_insights.insights.brief import Brief, compose_brief
from spotify_insights.insights.narrators.narrative import Narrative
from spotify_insights.insights.narrators.template import TemplateNarrator
from spotify_insights.insights.types import InsightType, ToneMode
from spotify_insights.listening.analytics.columns import (
    PROVIDERS,
    UNKNOWN,
    HistoryColumns,
    PlayColumns,
    TrackColumns,
)
from spotify_insights.listening.calendar_period import calendar_period
from spotify_insights.listening.heard_history import HeardArtist, HeardHistory, HeardTrack
from spotify_insights.listening.snapshot import PlaysBefore, Snapshot
from spotify_insights.listening.take_calendar_snapshot import take_calendar_snapshot
from spotify_insights.listening.take_snapshot import SuppliedFeatures
from spotify_insights.listening.time_range import CalendarRange
from spotify_insights.listening.week import DAYS_OF_WEEK, Week

WEEK = Week(date(2026, 11, 21))
_LONG_AGO = date(2025, 3, 1)


def fitting(snapshot: Snapshot, insight_type: InsightType) -> Snapshot:
    """The snapshot, or the week made of it where the insight is about weeks."""
    return as_week(snapshot) if insight_type is InsightType.WEEKLY else snapshot


def as_week(snapshot: Snapshot) -> Snapshot:
    """A week with the same music, in which what ranks higher was played more often.

    Of the artists the second is new and the third comes back, where there are as many.
    """
    heard_before = {2: None, 3: date(2026, 7, 4)}
    rhythm = snapshot.rhythm
    if rhythm is not None:
        before = PlaysBefore(plays=rhythm.plays * 2 // 3, days=min(rhythm.days, 5), since=_LONG_AGO)
        rhythm = rhythm.model_copy(update={"days": min(rhythm.days, DAYS_OF_WEEK), "before": before})
    return snapshot.model_copy(
        update={
            "time_range": CalendarRange.WEEK,
            "snapshot_date": WEEK.ends_on,
            "rhythm": rhythm,
            "top_tracks": tuple(
                track.model_copy(update={"plays": 1 + 23 // track.rank}) for track in snapshot.top_tracks
            ),
            "top_artists": tuple(
                artist.model_copy(
                    update={
                        "plays": 1 + 39 // artist.rank,
                        "last_played_before": heard_before.get(artist.rank, date(2026, 11, 12)),
                    }
                )
                for artist in snapshot.top_artists
            ),
        }
    )


@dataclass(frozen=True)
class Heard:
    """One invented play: who and what, on which day of the week (0 is the Sunday), at which hour."""

    artists: tuple[str, ...]
    title: str
    day: int
    hour: int

    @property
    def moment(self) -> datetime:
        """In UTC, where these weeks are lived."""
        midnight = datetime.combine(WEEK.begins_on, datetime.min.time(), tzinfo=UTC)
        return midnight + timedelta(days=self.day, hours=self.hour)


def a_week(
    heard: Iterable[Heard],
    *,
    earlier: Sequence[Heard] = (),
    features: dict[str, SuppliedFeatures] | None = None,
) -> Snapshot:
    """The snapshot of these plays; the days of the earlier ones are negative."""
    period = calendar_period(CalendarRange.WEEK, WEEK.ends_on, timezone="UTC")
    return take_calendar_snapshot(as_heard([*earlier, *heard], features), period, CalendarRange.WEEK)


def as_heard(heard: Iterable[Heard], features: Mapping[str, SuppliedFeatures] | None = None) -> HeardHistory:
    """The history of these plays, whose time played nobody told."""
    plays = sorted(heard, key=lambda play: play.moment)
    tracks = {track.spotify_id: track for track in map(_track, plays)}
    number = {spotify_id: place for place, spotify_id in enumerate(tracks)}
    supplied = [(features or {}).get(spotify_id) for spotify_id in tracks]
    values = [[getattr(each and each.features, name, None) for name in FEATURE_NAMES] for each in supplied]
    told = [[each.providers.get(name) if each else None for name in FEATURE_NAMES] for each in supplied]
    shape = (len(tracks), len(FEATURE_NAMES))
    return HeardHistory(
        columns=HistoryColumns(
            plays=PlayColumns(
                ended_at=np.array([int(play.moment.timestamp()) for play in plays], np.int64),
                track=np.array([number[_track(play).spotify_id] for play in plays], np.int32),
                ms_played=np.full(len(plays), UNKNOWN, np.int32),
                flags=np.zeros(len(plays), np.uint8),
            ),
            tracks=TrackColumns(
                track_id=np.arange(len(tracks), dtype=np.int64),
                artist=np.full(len(tracks), UNKNOWN, np.int64),
                album=np.full(len(tracks), UNKNOWN, np.int64),
                duration_ms=np.full(len(tracks), UNKNOWN, np.int32),
                features=np.array(values, np.float32).reshape(shape),
                providers=np.array(
                    [[PROVIDERS.index(name) if name else UNKNOWN for name in row] for row in told], np.int8
                ).reshape(shape),
            ),
        ),
        catalogue=dict(enumerate(tracks.values())),
    )


def letter(snapshot: Snapshot, tone: ToneMode, *, seed: str = "seed") -> tuple[Narrative, Brief]:
    brief = compose_brief(snapshot, InsightType.WEEKLY)
    return TemplateNarrator().narrate(brief, tone=tone, seed=seed), brief


def kinds(snapshot: Snapshot) -> set[str]:
    return {signal.kind for signal in compose_brief(snapshot, InsightType.WEEKLY).signals}


def told(snapshot: Snapshot) -> dict[str, str]:
    """The text of each fact by its id."""
    return {fact.id: fact.text for fact in compose_brief(snapshot, InsightType.WEEKLY).facts}


def _track(play: Heard) -> HeardTrack:
    return HeardTrack(
        spotify_id=f"{play.artists}/{play.title}",
        name=play.title,
        artists=tuple(HeardArtist(spotify_id=name, name=name) for name in play.artists),
    )
