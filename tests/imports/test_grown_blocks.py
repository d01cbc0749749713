"""Whatever happens to a history: blocks that grew with it say the same as blocks that are made anew."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from block_trials import (
    RECORDINGS,
    add,
    as_account_data,
    bare,
    bring_up_to_date,
    exported,
    learn,
    packed,
    packed_anew,
    play_by_play,
    poll,
    told_by_plays,
    told_by_spotify,
)
from import_trials import undo
from makers import a_user
from spotify_insights.database.actor import Actor
from spotify_insights.listening.blocks import refresh as refresh_module
from spotify_insights.listening.blocks import store_blocks as store_module
from spotify_insights.listening.blocks.refresh import read_history
from spotify_insights.runtime import Runtime
from spotify_insights.spotify_export.entry import ExportSource


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """So small that a few plays and tracks need several."""
    monkeypatch.setattr(refresh_module, "PLAYS_PER_BLOCK", 2)
    monkeypatch.setattr(store_module, "TRACKS_PER_BLOCK", 2)


# Tracks are named by their place in RECORDINGS, moments in seconds after noon.


@dataclass(frozen=True)
class Exported:
    source: ExportSource
    rows: tuple[tuple[int, int, int], ...]


@dataclass(frozen=True)
class Polled:
    rows: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Learnt:
    track: int
    provider: str
    features: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Undone:
    """An import, counted from the last one; nothing, where there are not so many."""

    back: int


@dataclass(frozen=True)
class Refreshed:
    pass


Event: TypeAlias = Exported | Polled | Learnt | Undone | Refreshed

TRACK_NUMBERS = st.integers(0, len(RECORDINGS) - 1)
MOMENTS = st.integers(0, 3000)
EXPORTS = st.builds(
    Exported,
    st.sampled_from(["spotify_export", "spotify_account_data"]),
    st.lists(
        st.tuples(TRACK_NUMBERS, MOMENTS, st.sampled_from([0, 31_000, 200_000])), min_size=1, max_size=5
    ).map(tuple),
)
EVENTS = st.one_of(
    EXPORTS,
    st.builds(Polled, st.lists(st.tuples(TRACK_NUMBERS, MOMENTS), max_size=4).map(tuple)),
    st.builds(
        Learnt,
        TRACK_NUMBERS,
        st.sampled_from(["spotify", "reccobeats"]),
        st.dictionaries(st.sampled_from(["valence", "energy"]), st.sampled_from([0.25, 0.75]), min_size=1)
        .map(dict.items)
        .map(tuple),
    ),
    st.builds(Undone, st.integers(0, 2)),
    st.builds(Refreshed),
)
HISTORIES = st.builds(lambda events, last: [*events, last], st.lists(EVENTS, max_size=6), EXPORTS)


def let_happen(runtime: Runtime, user_id: UUID, events: Iterable[Event]) -> None:
    """To this listener, with songs of their own."""
    tracks = [
        replace(each, spotify_id=f"{each.spotify_id[0]}{user_id.hex[-21:]}", title=f"{each.title} {user_id}")
        for each in RECORDINGS
    ]
    imports: list[UUID | None] = []
    for event in events:
        match event:
            case Exported(source, rows):
                entries = [exported(tracks[track], *when_and_how_long) for track, *when_and_how_long in rows]
                if source == "spotify_account_data":
                    entries = [as_account_data(entry) for entry in entries]
                imports.append(add(runtime, user_id, *entries, source=source))
            case Polled(heard):
                told = [(tracks[track].spotify_id, seconds) for track, seconds in heard]
                poll(runtime, user_id, told_by_spotify(*tracks), told)
            case Learnt(track, provider, features):
                learn(runtime, tracks[track].spotify_id, provider, dict(features))
            case Undone(back):
                if back < len(imports):
                    undo(runtime, user_id, imports.pop(-1 - back))
            case Refreshed():
                bring_up_to_date(runtime, user_id)


def grown_blocks_say_what_new_ones_do(runtime: Runtime, events: Sequence[Event]) -> None:
    user_id = a_user(runtime)
    let_happen(runtime, user_id, events)

    # The songs at once, what is known of them with the next refresh.
    expected = told_by_plays(runtime, user_id)
    assert [(play.ended_at, play.ms_played, play.track_id) for play in packed(runtime, user_id)] == [
        (play.ended_at, play.ms_played, play.track_id) for play in expected
    ]
    bring_up_to_date(runtime, user_id)
    grown = packed(runtime, user_id)
    assert bare(grown) == expected
    with runtime.database.transaction(acting_for=Actor.listener(user_id)) as tx:
        unpacked = play_by_play(read_history(tx.session, user_id))
    assert grown == unpacked == packed_anew(runtime, user_id)


@given(HISTORIES)
@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_happened_grown_blocks_say_what_new_ones_do(
    runtime: Runtime, events: Sequence[Event]
) -> None:
    grown_blocks_say_what_new_ones_do(runtime, events)


@pytest.mark.slow  # as many as it takes to meet the rare ones
@given(HISTORIES)
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_happened_grown_blocks_say_what_new_ones_do_at_length(
    runtime: Runtime, events: Sequence[Event]
) -> None:
    grown_blocks_say_what_new_ones_do(runtime, events)
