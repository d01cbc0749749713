"""The JSON documents of views that tell how the music sounds, or how it changed."""

from datetime import date
from typing import ClassVar

from pydantic import BaseModel, Field

from spotify_insights.listening.analytics.buckets import Bucket
from spotify_insights.listening.analytics.clock import PartOfDay
from spotify_insights.listening.analytics.compare import Basis, Change, FeatureChange
from spotify_insights.listening.analytics.evidence import Coverage, Missing
from spotify_insights.listening.analytics.moods import Diversity, MoodShares
from spotify_insights.listening.analytics.overview import Figures
from spotify_insights.listening.analytics.trend import Trend
from spotify_insights.web.documented import Documented
from spotify_insights.web.listening_views.documents import (
    ARTIST,
    COVERAGE,
    FIGURES,
    PERIOD,
    SHARED,
    SHARES,
    NamedArtist,
    ViewDocument,
)


class ClockDocument(ViewDocument, Documented):
    """When music plays on the listener's own clock."""

    example: ClassVar = {
        **SHARED,
        "plays": [[0] * 24] * 7,
        "ms": [[0] * 24] * 7,
        "mean_hour": 19.4,
        "concentration": 0.37,
        "parts": [
            {
                "part": "morning",
                "from_hour": 6,
                "to_hour": 10,
                "plays": 180,
                "ms": 37_800_000,
                "share": 0.19,
                "deviations": [{"name": "energy", "deviation": 0.08, "n": 96, "missing": None}],
            }
        ],
        "plays_without_ms": 0,
        "coverage": COVERAGE,
    }

    plays: list[list[int]] = Field(description="Seven rows, from Monday, with 24 columns, from midnight.")
    ms: list[list[int]]
    mean_hour: float | None = Field(ge=0, lt=24)
    concentration: float | None = Field(ge=0, le=1)
    parts: list[PartOfDay]
    plays_without_ms: int
    coverage: Coverage


class MoodBucket(BaseModel):
    """Shares that add up to 1; null, and `missing` says why, where too little of the bucket is known."""

    start: date
    upbeat: float | None
    intense: float | None
    wistful: float | None
    calm: float | None
    neutral: float | None
    coverage: float
    tracks: int
    tracks_with_features: int
    missing: Missing | None


class MoodsDocument(ViewDocument, Documented):
    """The moods of the music."""

    example: ClassVar = {
        **SHARED,
        "coverage": COVERAGE,
        "shares": SHARES,
        "diversity": {
            "entropy": 1.27,
            "corrected_entropy": 1.28,
            "score": 0.92,
            "effective_moods": 3.59,
            "simpson": 0.71,
            "n_eff": 210.4,
        },
        "dispersion": 0.29,
        "coherence": 0.21,
        "coherence_tracks": 361,
        "missing": None,
        "diversity_missing": None,
        "coherence_missing": None,
    }

    coverage: Coverage
    shares: MoodShares | None
    diversity: Diversity | None
    dispersion: float | None
    coherence: float | None
    coherence_tracks: int
    missing: Missing | None
    diversity_missing: Missing | None
    coherence_missing: Missing | None


class MoodTimelineDocument(ViewDocument, Documented):
    """The moods of the music over time."""

    example: ClassVar = {
        **SHARED,
        "bucket": "day",
        "buckets": [
            {
                "start": "2026-11-01",
                **SHARES,
                "coverage": 0.9,
                "tracks": 38,
                "tracks_with_features": 34,
                "missing": None,
            }
        ],
    }

    bucket: Bucket
    buckets: list[MoodBucket]


class MovedArtist(BaseModel):
    """An artist heard in both periods; `places` gained are above 0, lost below."""

    artist: NamedArtist
    rank: int
    rank_before: int
    places: int


class ListedArtist(BaseModel):
    artist: NamedArtist
    rank: int
    plays: int


class CompareDocument(ViewDocument, Documented):
    """A period against the one before it."""

    example: ClassVar = {
        **SHARED,
        "figures": FIGURES,
        "figures_before": {**FIGURES, "plays": 800},
        "changes": [{"name": "plays", "now": 960.0, "before": 800.0, "difference": 160.0, "ratio": 1.2}],
        "moved": [{"artist": ARTIST, "rank": 1, "rank_before": 4, "places": 3}],
        "new": [{"artist": ARTIST, "rank": 2, "plays": 31}],
        "dropped": [{"artist": ARTIST, "rank": 9, "plays": 12}],
        "coverage": COVERAGE,
        "coverage_before": COVERAGE,
        "basis": "all_known",
        "features": [
            {"name": "energy", "difference": 0.05, "margin": 0.03, "stands_out": True, "missing": None}
        ],
        "missing": None,
    }

    figures: Figures
    figures_before: Figures | None
    changes: list[Change]
    moved: list[MovedArtist]
    new: list[ListedArtist]
    dropped: list[ListedArtist]
    coverage: Coverage
    coverage_before: Coverage | None
    basis: Basis | None
    features: list[FeatureChange]
    missing: Missing | None


class TrendsDocument(ViewDocument, Documented):
    """The seven days up to yesterday against the four weeks before them."""

    example: ClassVar = {
        **SHARED,
        "period": {**PERIOD, "name": "day", "first_day": "2026-11-22"},
        "last_day": "2026-11-21",
        "recent_days": 7,
        "baseline_days": 28,
        "plays": {
            "name": "plays",
            "recent": 61.4,
            "usual": 42.0,
            "z": 2.3,
            "called": True,
            "missing": None,
        },
        "ms": {
            "name": "ms",
            "recent": 12_900_000.0,
            "usual": 8_800_000.0,
            "z": 1.9,
            "called": False,
            "missing": None,
        },
        "features": [
            {
                "name": "energy",
                "recent": 0.64,
                "usual": 0.61,
                "z": 0.4,
                "called": False,
                "missing": None,
            }
        ],
        "coverage": COVERAGE,
        "coverage_before": COVERAGE,
    }

    last_day: date
    recent_days: int
    baseline_days: int
    plays: Trend
    ms: Trend
    features: list[Trend]
    coverage: Coverage
    coverage_before: Coverage
