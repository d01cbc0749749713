"""What is held of a history, brought up to date with what changed, is the history as it is now."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spotify_insights.listening.analytics.columns import FEATURES, PlayColumns, TrackColumns
from spotify_insights.listening.blocks.change import Change, State, changed
from spotify_insights.listening.blocks.history import nothing_known

Block = tuple[int, ...]
"""Of plays their moments, of tracks their numbers."""


@dataclass(frozen=True)
class Stored:
    """The blocks with their generations, as they stand in the database after a change."""

    generation: int
    plays: tuple[tuple[int, Block], ...]
    tracks: tuple[tuple[int, Block], ...]


BLOCKS = st.lists(st.lists(st.integers(0, 3), min_size=1, max_size=3).map(tuple), max_size=4)


def stored(before: Stored, plays: list[Block], tracks: list[Block]) -> Stored:
    """What is written again as it was keeps its generation."""
    generation = before.generation + 1

    def numbered(blocks: list[Block], old: tuple[tuple[int, Block], ...]) -> tuple[tuple[int, Block], ...]:
        known = [*old, *[(generation, ())] * len(blocks)]
        return tuple(
            each if each[1] == block else (generation, block)
            for block, each in zip(blocks, known, strict=False)
        )

    return Stored(generation, numbered(plays, before.plays), numbered(tracks, before.tracks))


def plays_of(block: Block) -> PlayColumns:
    moments = np.array(block, np.int64)
    return PlayColumns(
        moments, moments.astype(np.int32), moments.astype(np.int32), np.zeros(len(block), np.uint8)
    )


def tracks_of(block: Block) -> TrackColumns:
    numbers = np.array(block, np.int64)
    return TrackColumns(
        numbers,
        numbers,
        numbers,
        numbers.astype(np.int32),
        np.full((len(block), FEATURES), numbers[:, None] / 2, np.float32),
        np.full((len(block), FEATURES), numbers[:, None], np.int8),
    )


def told(now: Stored, *, since: int) -> Change:
    """As the database answers."""
    return Change(
        since=since,
        generation=now.generation,
        play_blocks=len(now.plays),
        track_blocks=len(now.tracks),
        plays={n: plays_of(block) for n, (at, block) in enumerate(now.plays) if at > since},
        tracks={n: tracks_of(block) for n, (at, block) in enumerate(now.tracks) if at > since},
    )


def up_to_date(before: State, change: Change) -> State:
    after = changed(before, change)
    assert after is not None
    return after


def says(state: State, now: Stored) -> None:
    plays, tracks = state.columns.plays, state.columns.tracks
    assert plays.ended_at.tolist() == [moment for _, block in now.plays for moment in block]
    assert plays.track.tolist() == plays.ms_played.tolist() == plays.ended_at.tolist()
    numbers = [number for _, block in now.tracks for number in block]
    assert tracks.track_id.tolist() == tracks.artist.tolist() == tracks.album.tolist() == numbers
    assert tracks.features[:, 0].tolist() == [number / 2 for number in numbers]
    assert tracks.providers[:, -1].tolist() == tracks.duration_ms.tolist() == numbers
    assert (state.play_lengths, state.track_lengths) == (
        tuple(len(block) for _, block in now.plays),
        tuple(len(block) for _, block in now.tracks),
    )


@given(st.lists(st.tuples(BLOCKS, BLOCKS), min_size=1, max_size=5), st.data())
def test_a_change_since_any_earlier_state_fits_every_later_one(
    written: list[tuple[list[Block], list[Block]]], data: st.DataObject
) -> None:
    history = [Stored(0, (), ())]
    for plays, tracks in written:
        history.append(stored(history[-1], plays, tracks))
    now = history[-1]
    held = data.draw(st.integers(0, now.generation - 1))
    since = data.draw(st.integers(0, held))
    before = nothing_known()
    if held:
        before = up_to_date(before, told(history[held], since=0))

    after = up_to_date(before, told(now, since=since))

    says(after, now)
    assert after.generation == now.generation
    # Whoever looks at the state before sees what they saw.
    says(before, history[held])


@pytest.mark.parametrize(
    "lost",
    [
        lambda change: Change(1, 2, 3, 1, change.plays, change.tracks),
        lambda change: Change(1, 2, 2, 2, change.plays, change.tracks),
    ],
)
def test_blocks_that_are_missing_are_noticed(lost: Callable[[Change], Change]) -> None:
    first = stored(Stored(0, (), ()), [(1, 2)], [(7,)])
    second = stored(first, [(1, 2), (3,)], [(7,)])
    held = up_to_date(nothing_known(), told(first, since=0))
    change = told(second, since=1)

    assert changed(held, change) is not None
    assert changed(held, lost(change)) is None
