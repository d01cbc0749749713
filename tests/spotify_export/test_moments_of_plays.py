"""When a play ended, as the extended history tells it, also of plays that were uploaded later."""

from datetime import UTC, datetime

import pytest

from export_files import extended_row, music, podcast_row, spoken
from spotify_insights.spotify_export.entry import MusicEntry


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def offline(stamp: object, *, ts: str = "2021-06-10T18:00:00Z", is_offline: bool | None = True) -> MusicEntry:
    (entry,) = music(extended_row(ts=ts, offline=is_offline, offline_timestamp=stamp, ms_played=180_000))
    return entry


# 2021-06-10T08:00:00Z, ten hours before the upload; the play ended three minutes later.
STAMP = 1_623_312_000


@pytest.mark.parametrize("stamp", [STAMP, STAMP * 1000, STAMP * 1000 + 999, float(STAMP)])
def test_an_offline_play_that_was_uploaded_hours_later_ended_when_its_stamp_says(stamp: object) -> None:
    entry = offline(stamp)
    assert (entry.ended_at, entry.time_uncertain) == (utc("2021-06-10 08:03:00"), True)


@pytest.mark.parametrize(
    "stamp",
    [
        0,
        None,
        -STAMP,
        "1623312000",
        # 2005-12-31T23:59:59Z: before there was a Spotify.
        1_136_073_599,
        # More than a day after the upload.
        STAMP + 36 * 3600,
        # An hour before the upload at most: it says the same as the moment itself.
        STAMP + 9 * 3600,
        10**30,
    ],
)
def test_a_stamp_that_says_nothing_or_nonsense_leaves_the_moment(stamp: object) -> None:
    entry = offline(stamp)
    assert (entry.ended_at, entry.time_uncertain) == (utc("2021-06-10 18:00:00"), False)


@pytest.mark.parametrize("is_offline", [False, None])
def test_a_stamp_counts_for_offline_plays_alone(is_offline: bool | None) -> None:  # noqa: FBT001
    assert offline(STAMP, is_offline=is_offline).ended_at == utc("2021-06-10 18:00:00")


def test_an_offline_podcast_ended_when_its_stamp_says() -> None:
    (entry,) = spoken(
        podcast_row(ts="2021-06-10T18:00:00Z", offline=True, offline_timestamp=STAMP, ms_played=180_000)
    )
    assert (entry.ended_at, entry.time_uncertain) == (utc("2021-06-10 08:03:00"), True)


def test_no_stamp_moves_a_play_into_the_future() -> None:
    (entry,) = music(
        extended_row(
            ts="2026-11-23T11:00:00Z",
            offline=True,
            # 2026-11-24T06:00:00Z
            offline_timestamp=1_795_500_000,
        )
    )
    assert entry.ended_at == utc("2026-11-23 11:00:00")


@pytest.mark.parametrize(
    ("written", "ended_at"),
    [
        ("2017-05-02 15:42:12 UTC", "2017-05-02 15:42:12"),
        ("2024-05-02T15:42:12.987Z", "2024-05-02 15:42:12"),
        ("2024-05-02T17:42:12+02:00", "2024-05-02 15:42:12"),
        ("2006-01-01T00:00:00Z", "2006-01-01 00:00:00"),
        # A day after the import, for clocks differ.
        ("2026-11-23T12:00:00Z", "2026-11-23 12:00:00"),
    ],
)
def test_moments_in_every_spelling(written: str, ended_at: str) -> None:
    (entry,) = music(extended_row(), extended_row(ts=written))[1:]
    assert entry.ended_at == utc(ended_at)
    assert entry.ended_at.tzinfo is UTC
