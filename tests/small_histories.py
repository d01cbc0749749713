"""Histories for the tests of the analytics: rows as one would tell them, made into columns."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

import numpy as np
from hypothesis import strategies as st

from spotify_insights.audio_features.values import FEATURE_NAMES
from spotify_insights.listening.analytics.columns import (
    PLAYED_TO_END,
    PRIVATE_SESSION,
    PROVIDERS,
    SKIPPED,
    UNKNOWN,
    HistoryColumns,
    PlayColumns,
    TrackColumns,
)
from spotify_insights.listening.analytics.period import Period, PeriodName, make_period

MINUTE = 60_000


@dataclass(frozen=True)
class Row:
    """One row of a history; `track` is a position in the list of tracks."""

    at: datetime
    track: int = 0
    ms: int | None = 3 * MINUTE
    skipped: bool = False
    to_end: bool = False
    private: bool = False


@dataclass(frozen=True)
class Song:
    artist: int | None = 1
    album: int | None = 1
    duration: int | None = 3 * MINUTE
    features: Mapping[str, float] = field(default_factory=dict)
    provider: str = "catalogue"


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def a_history(rows: Sequence[Row], songs: Sequence[Song] = (Song(),)) -> HistoryColumns:
    """Tracks get the numbers 100, 101, ... in the order of `songs`."""
    rows = sorted(rows, key=lambda row: row.at)
    features = np.array(
        [[song.features.get(name, np.nan) for name in FEATURE_NAMES] for song in songs], dtype=np.float32
    ).reshape(len(songs), len(FEATURE_NAMES))
    supplier = np.array([PROVIDERS.index(song.provider) for song in songs], dtype=np.int8)[:, None]
    return HistoryColumns(
        PlayColumns(
            ended_at=np.array([int(row.at.timestamp()) for row in rows], dtype=np.int64),
            track=np.array([row.track for row in rows], dtype=np.int32),
            ms_played=np.array([UNKNOWN if row.ms is None else row.ms for row in rows], dtype=np.int32),
            flags=np.array(
                [
                    row.skipped * SKIPPED + row.to_end * PLAYED_TO_END + row.private * PRIVATE_SESSION
                    for row in rows
                ],
                dtype=np.uint8,
            ),
        ),
        TrackColumns(
            track_id=np.arange(100, 100 + len(songs), dtype=np.int64),
            artist=np.array([_known(song.artist) for song in songs], dtype=np.int64),
            album=np.array([_known(song.album) for song in songs], dtype=np.int64),
            duration_ms=np.array([_known(song.duration) for song in songs], dtype=np.int32),
            features=features,
            providers=np.where(np.isnan(features), UNKNOWN, supplier).astype(np.int8),
        ),
    )


def _known(value: int | None) -> int:
    return UNKNOWN if value is None else value


def all_time(timezone: str = "UTC", *, now: str = "2026-03-01T12:00") -> Period:
    return make_period(PeriodName.ALL_TIME, timezone=timezone, now=utc(now))


def days(first: str, last: str, timezone: str = "UTC", *, now: str = "2026-03-01T12:00") -> Period:
    return make_period(
        PeriodName.CUSTOM,
        timezone=timezone,
        now=utc(now),
        first_day=date.fromisoformat(first),
        last_day=date.fromisoformat(last),
    )


_SPAN = 40 * 86_400
_BEGINS = int(utc("2026-01-10T00:00").timestamp())


@st.composite
def small_histories(draw: st.DrawFn) -> tuple[list[Row], list[Song]]:
    """Up to 60 rows over 40 days from 10 January 2026 on, of up to 20 songs, sorted.

    Hypothesis chooses the sizes and a seed, and chance the rest: drawn one by one, the values would take
    longer than all tests of them.
    """
    rows, songs, seed = draw(st.integers(0, 60)), draw(st.integers(1, 20)), draw(st.integers(0, 2**32))
    chance = random.Random(seed)  # noqa: S311  # it makes test data
    known = chance.choice([0.3, 0.9, 1])
    made = [_a_song(chance, known) for _ in range(songs)]
    return sorted((_a_row(chance, songs) for _ in range(rows)), key=lambda row: row.at), made


def _a_song(chance: random.Random, known: float) -> Song:
    return Song(
        artist=chance.choice([None, 1, 2, 3]),
        album=chance.choice([None, 1, 2, 3, 4]),
        duration=chance.choice([None, 20_000, 61_000, 250_000, 600_000]),
        # Sixteenths are the same number in four bytes and in eight.
        features={name: chance.randrange(17) / 16 for name in FEATURE_NAMES if chance.random() < known},
        provider=chance.choice(PROVIDERS),
    )


def _a_row(chance: random.Random, songs: int) -> Row:
    return Row(
        at=datetime.fromtimestamp(_BEGINS + chance.randrange(_SPAN), UTC),
        track=chance.randrange(songs),
        ms=chance.choice([None, 0, 5_000, 29_999, 30_000, 61_000, 250_000, 300_000]),
        skipped=chance.random() < 0.3,
        to_end=chance.random() < 0.4,
        private=chance.random() < 0.1,
    )
