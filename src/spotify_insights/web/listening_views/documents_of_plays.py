"""The JSON documents of views that count plays."""

from datetime import date, datetime
from typing import ClassVar

from pydantic import BaseModel, Field

from spotify_insights.listening.analytics.buckets import Bucket
from spotify_insights.listening.analytics.evidence import Missing
from spotify_insights.listening.analytics.feature_profile import FeatureProfile
from spotify_insights.listening.analytics.overview import Figures
from spotify_insights.listening.analytics.sessions import Session
from spotify_insights.listening.analytics.streaks import Streaks
from spotify_insights.listening.analytics.top import TopBy, TopOf
from spotify_insights.web.documented import Documented
from spotify_insights.web.listening_views.documents import (
    COVERAGE,
    FIGURES,
    SHARED,
    TRACK,
    NamedTrack,
    ViewDocument,
)


class PlayMomentDocument(BaseModel):
    ended_at: datetime
    track: NamedTrack


class OverviewDocument(ViewDocument, Documented):
    """One period at a glance."""

    example: ClassVar = {
        **SHARED,
        "figures": FIGURES,
        "first_play": {"ended_at": "2026-10-31T12:03:11Z", "track": TRACK},
        "last_play": {"ended_at": "2026-11-22T08:41:09Z", "track": TRACK},
        "streaks": {
            "longest": {"days": 12, "first_day": "2026-11-02", "last_day": "2026-11-13"},
            "current": {"days": 3, "first_day": "2026-11-20", "last_day": "2026-11-22"},
        },
        "profile": {
            "coverage": COVERAGE,
            "features": [
                {
                    "name": "energy",
                    "n": 361,
                    "coverage": 0.88,
                    "mean": 0.63,
                    "spread": 0.18,
                    "n_eff": 240.5,
                    "margin": 0.023,
                    "providers": [{"provider": "catalogue", "share": 1.0}],
                    "missing": None,
                }
            ],
            "missing": None,
        },
    }

    figures: Figures
    first_play: PlayMomentDocument | None
    last_play: PlayMomentDocument | None
    streaks: Streaks
    profile: FeatureProfile


class TopEntry(BaseModel):
    """A track, artist or album; artists have no `artist`, and only tracks have an `album`."""

    rank: int
    name: str | None
    artist: str | None = None
    album: str | None = None
    spotify_id: str | None
    plays: int
    ms: int
    share: float | None = Field(description="Of all plays, or of all time heard; null where none is known.")
    first_play_at: datetime
    last_play_at: datetime
    previous_rank: int | None = Field(description="In the period before; null where it was not heard then.")


class TopDocument(ViewDocument, Documented):
    """What was heard most."""

    example: ClassVar = {
        **SHARED,
        "of": "tracks",
        "by": "plays",
        "items": [
            {
                "rank": 1,
                **TRACK,
                "plays": 24,
                "ms": 4_488_000,
                "share": 0.025,
                "first_play_at": "2026-11-01T06:12:00Z",
                "last_play_at": "2026-11-21T19:30:44Z",
                "previous_rank": 3,
            }
        ],
        "distinct": 420,
        "plays": 960,
        "ms": 201_600_000,
    }

    of: TopOf
    by: TopBy
    items: list[TopEntry]
    distinct: int = Field(description="How many were heard in all.")
    plays: int = Field(description="Of the whole period.")
    ms: int = Field(description="Of the whole period.")


class BucketDocument(BaseModel):
    """Plays and time heard from `start` until the next bucket begins."""

    start: date
    plays: int
    ms: int


class CalendarDocument(ViewDocument, Documented):
    """Plays and time heard on each day."""

    example: ClassVar = {
        **SHARED,
        "bucket": "day",
        "buckets": [{"start": "2026-11-01", "plays": 51, "ms": 10_710_000}],
        "plays_without_ms": 0,
    }

    bucket: Bucket
    buckets: list[BucketDocument]
    plays_without_ms: int = Field(description="Plays that do not tell their time, and so are in no `ms`.")


class TimelineDocument(ViewDocument, Documented):
    """Plays and time heard over time."""

    example: ClassVar = {
        **SHARED,
        "bucket": "week",
        "buckets": [{"start": "2026-10-26", "plays": 51, "ms": 10_710_000}],
        "plays_without_ms": 0,
    }

    bucket: Bucket
    buckets: list[BucketDocument] = Field(
        description="The first one may begin before the period; it has plays of the period only."
    )
    plays_without_ms: int


class SessionsDocument(ViewDocument, Documented):
    """Stretches of listening without a long pause."""

    example: ClassVar = {
        **SHARED,
        "sessions": 61,
        "longest_pause_minutes": 30,
        "median_seconds": 2710.0,
        "mean_plays": 15.7,
        "median_plays": 13.0,
        "skip_rate": 0.06,
        "skip_rate_n": 1012,
        "longest": [
            {
                "began_at": "2026-11-14T06:02:10Z",
                "ended_at": "2026-11-14T11:40:02Z",
                "seconds": 20_272,
                "plays": 88,
                "tracks": 80,
                "skip_rate": 0.02,
            }
        ],
    }

    sessions: int
    longest_pause_minutes: int
    median_seconds: float | None
    mean_plays: float | None
    median_plays: float | None
    skip_rate: float | None
    skip_rate_n: int
    longest: list[Session]


class RunDocument(BaseModel):
    """Plays of one track in a row."""

    track: NamedTrack
    plays: int


class RepetitionDocument(ViewDocument, Documented):
    """How much was heard again, and how much for the first time."""

    example: ClassVar = {
        **SHARED,
        "plays": 960,
        "tracks": 420,
        "repeat_rate": 0.5625,
        "top_1_share": 0.025,
        "top_5_share": 0.104,
        "longest_run": {"track": TRACK, "plays": 6},
        "window_days": 7,
        "reconsumption": 0.41,
        "discovery_rate": 0.12,
        "new_tracks": 115,
        "new_artists": 19,
        "discovery_missing": None,
    }

    plays: int
    tracks: int
    repeat_rate: float | None
    top_1_share: float | None
    top_5_share: float | None
    longest_run: RunDocument | None
    window_days: int
    reconsumption: float | None
    discovery_rate: float | None
    new_tracks: int | None
    new_artists: int | None
    discovery_missing: Missing | None
