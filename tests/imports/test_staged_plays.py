"""What COPY gets of a batch, read back as PostgreSQL's manual describes the binary format."""

import struct
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from spotify_insights.listening.imports import staged_plays
from spotify_insights.listening.imports.staged_plays import PlayStager, StagedPlays
from spotify_insights.spotify_export.entry import MusicEntry

SINCE = datetime(2006, 1, 1, tzinfo=UTC)

entries = st.builds(
    MusicEntry,
    ended_at=st.integers(0, 10**9).map(lambda seconds: SINCE + timedelta(seconds=seconds)),
    ms_played=st.integers(0, 2**31 - 1),
    track_name=st.just("a"),
    artist_name=st.just("b"),
    platform=st.sampled_from([None, "ios", "android"]),
    country=st.sampled_from([None, "NZ"]),
    shuffle=st.sampled_from([None, True, False]),
    private_session=st.booleans(),
    is_video=st.booleans(),
)
played = st.lists(st.tuples(entries, st.integers(1, 2**40)), max_size=30)


def rows_in(content: bytes) -> Iterator[tuple[int, int, datetime, int, int]]:
    """place, track, moment, length and number of the details of each row."""
    assert content[:19] == b"PGCOPY\n\xff\r\n\0" + bytes(8)
    place = 19
    while (fields := struct.unpack_from(">h", content, place)[0]) != -1:
        values = []
        place += 2
        for _ in range(fields):
            (length,) = struct.unpack_from(">i", content, place)
            values.append(int.from_bytes(content[place + 4 : place + 4 + length], "big", signed=True))
            place += 4 + length
        number, track, moment, ms_played, details = values
        yield (
            number,
            track,
            datetime(2000, 1, 1, tzinfo=UTC) + timedelta(microseconds=moment),
            ms_played,
            details,
        )
    assert place == len(content) - 2


def plays_of(staged: Sequence[StagedPlays]) -> list[tuple[Any, ...]]:
    told: dict[int, staged_plays.Details] = {}
    plays = []
    for batch in staged:
        assert not told.keys() & batch.new_details.keys()
        told |= batch.new_details
        plays += [
            (track, moment, ms_played, told[number])
            for _, track, moment, ms_played, number in rows_in(batch.content())
        ]
    return plays


def details_of(entry: MusicEntry) -> tuple[Any, ...]:
    return (
        entry.platform,
        entry.country,
        entry.reason_start,
        entry.reason_end,
        entry.shuffle,
        entry.skipped,
        entry.offline,
        entry.private_session,
        entry.is_video,
        entry.time_uncertain,
    )


def once(batch: Sequence[tuple[MusicEntry, int]]) -> list[tuple[Any, ...]]:
    first: dict[tuple[Any, ...], tuple[Any, ...]] = {}
    for entry, track in batch:
        key = (track, entry.ended_at, entry.ms_played)
        first.setdefault(key, (*key, details_of(entry)))
    return list(first.values())


def stage(stager: PlayStager, batch: Sequence[tuple[MusicEntry, int]]) -> StagedPlays:
    return stager.stage([entry for entry, _ in batch], [track for _, track in batch])


@given(batches=st.lists(played, max_size=4), twice=st.booleans())
def test_each_play_of_a_batch_is_told_once_in_the_files_order_with_its_details(
    *, batches: list[list[tuple[MusicEntry, int]]], twice: bool
) -> None:
    if twice:
        batches = [batch + batch[::-1] for batch in batches]
    stager = PlayStager()
    staged = [stage(stager, batch) for batch in batches]
    assert plays_of(staged) == [play for batch in batches for play in once(batch)]
    for batch, told in zip(batches, staged, strict=True):
        assert told.track_ids == {track for _, track in batch}
        moments = [entry.ended_at for entry, _ in batch if not entry.is_video]
        assert told.span == ((min(moments), max(moments)) if moments else None)


@given(played)
def test_other_numbers_for_the_tracks_reach_the_plays_that_were_kept(
    batch: list[tuple[MusicEntry, int]],
) -> None:
    staged = stage(PlayStager(), batch + batch)
    # Tracks that were one stay one.
    staged.tell_tracks([track + 7 for _, track in batch + batch])
    assert plays_of([staged]) == once([(entry, track + 7) for entry, track in batch])


def test_more_different_details_than_are_remembered_are_all_told() -> None:
    many = staged_plays._MOST_REMEMBERED + 1  # what is tested lies beyond
    batch = [(MusicEntry(SINCE, number, "a", "b", platform=f"phone {number}"), 1) for number in range(many)]
    stager = PlayStager()
    staged = [stage(stager, batch), stage(stager, batch[:10])]
    assert plays_of(staged) == once(batch) + once(batch[:10])
