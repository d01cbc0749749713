"""Histories in memory, before many who ask at once."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

import psycopg
import pytest
from typing_extensions import override

from conftest import Servers
from history_trials import HISTORY, SLOW_TRAIN, a_listener, add, played
from import_trials import undo
from makers import a_user
from spotify_insights.database.actor import Actor
from spotify_insights.errors import NotFoundError
from spotify_insights.listening.blocks import refresh as refresh_module
from spotify_insights.listening.blocks import store_blocks as store_module
from spotify_insights.listening.views.history import ListenerHistory
from spotify_insights.runtime import Runtime
from spotify_insights.settings import Settings
from spotify_insights.spotify_export.entry import MusicEntry
from spotify_insights.web import histories as histories_module
from spotify_insights.web.histories import Histories
from spotify_insights.web.hot_reads import HotReads

T = TypeVar("T")


@dataclass(frozen=True)
class Asked:
    """What a statement was asked with, and how many blocks of plays and of tracks it gave."""

    known: int
    plays: int
    tracks: int


class NotedReads(HotReads):
    """Reads that remember what was asked; `before` and `after` are awaited around each statement."""

    before: Callable[[], Awaitable[None]] | None = None
    after: Callable[[], Awaitable[None]] | None = None

    def __init__(self, settings: Settings) -> None:
        super().__init__(
            settings.database_url.get_secret_value(), settings.redis_url.get_secret_value(), pool_size=4
        )
        self.asked: list[Asked] = []

    @override
    async def rows(self, read: Any, *, acting_for: Actor) -> Any:
        if (before := self.before) is not None:
            await before()
        rows = await super().rows(read, acting_for=acting_for)
        if rows:
            plays = [row for row in rows if row[10] is not None]
            self.asked.append(Asked(read.parameters["known"], len(plays), len(rows) - 1 - len(plays)))
        if (after := self.after) is not None:
            await after()
        return rows


async def opened(runtime: Runtime, work: Callable[[Histories, NotedReads], Awaitable[T]]) -> T:
    """Do something with histories of their own."""
    reads = NotedReads(runtime.settings)
    await reads.open()
    histories = Histories(reads, runtime.database)
    try:
        return await work(histories, reads)
    finally:
        histories.close()
        await reads.close()


def using(runtime: Runtime, work: Callable[[Histories, NotedReads], Awaitable[T]]) -> T:
    return asyncio.run(opened(runtime, work))


async def of(histories: Histories, user_id: UUID) -> ListenerHistory:
    return await histories.of(user_id, acting_for=Actor.listener(user_id))


def plays_of(history: ListenerHistory) -> list[int]:
    """When they ended; all of them are by tracks that are there."""
    columns = history.columns
    assert set(columns.plays.track.tolist()) <= set(range(len(columns.tracks)))
    ends: list[int] = columns.plays.ended_at.tolist()
    assert ends == sorted(ends)
    return ends


def new_song(number: int) -> MusicEntry:
    """Played in May, each later than the one before."""
    name = f"new{number}".ljust(22, "0")
    return played(SLOW_TRAIN, f"2026-05-01T10:{number:02}:00", track_name=name, spotify_id=name)


@pytest.fixture
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refresh_module, "PLAYS_PER_BLOCK", 2)
    monkeypatch.setattr(store_module, "TRACKS_PER_BLOCK", 2)


@pytest.mark.parametrize("at_hand", [0, 100])
def test_of_many_who_come_at_once_one_reads_what_is_much(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch, at_hand: int
) -> None:
    monkeypatch.setattr(histories_module, "MOST_AT_HAND", at_hand)
    user_id = a_listener(runtime)

    async def work(histories: Histories, reads: NotedReads) -> list[ListenerHistory]:
        found = await asyncio.gather(*(of(histories, user_id) for _ in range(20)))
        if not at_hand:
            assert sorted(each.plays for each in reads.asked) == [*[0] * 20, 1]
        return found

    found = using(runtime, work)

    assert [len(each.columns.plays) for each in found] == [len(HISTORY)] * 20
    assert len({id(each.columns) for each in found}) == 1


@pytest.mark.usefixtures("_small_blocks")
def test_after_a_new_play_one_statement_gives_the_last_blocks(runtime: Runtime) -> None:
    user_id = a_listener(runtime)
    # Seven plays fill three blocks and half of the last one, three tracks one and a half.
    happens = {
        "the play of a known song fills a block": (played(SLOW_TRAIN, "2026-05-01T09:00:00"), (1, 0)),
        "that of a new song begins one, and fills one of tracks": (new_song(1), (1, 1)),
        "another one is the other way round": (new_song(2), (1, 1)),
    }

    async def work(histories: Histories, reads: NotedReads) -> None:
        before = plays_of(await of(histories, user_id))
        for what, (entry, blocks) in happens.items():
            reads.asked.clear()
            await asyncio.to_thread(add, runtime, user_id, [entry])
            now = plays_of(await of(histories, user_id))
            assert [(each.plays, each.tracks) for each in reads.asked] == [blocks], what
            assert (now[: len(before)], len(now)) == (before, len(before) + 1), what
            before = now
            await of(histories, user_id)
            assert (reads.asked[-1].plays, reads.asked[-1].tracks) == (0, 0), what

    using(runtime, work)


@pytest.mark.usefixtures("_small_blocks")
def test_what_changes_between_two_statements_shows_as_a_whole(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(histories_module, "MOST_AT_HAND", 0)
    user_id = a_listener(runtime)

    async def work(histories: Histories, reads: NotedReads) -> list[int]:
        async def change() -> None:
            if reads.asked:
                reads.before = None
                await asyncio.to_thread(add, runtime, user_id, [new_song(1)])

        reads.before = change
        return plays_of(await of(histories, user_id))

    assert len(using(runtime, work)) == len(HISTORY) + 1


@pytest.mark.usefixtures("_small_blocks")
@pytest.mark.parametrize("let_go", [False, True])
def test_who_is_told_late_sees_what_others_were_told_later(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch, *, let_go: bool
) -> None:
    user_id, other = a_listener(runtime), a_user(runtime)

    async def work(histories: Histories, reads: NotedReads) -> tuple[ListenerHistory, ListenerHistory]:
        await of(histories, user_id)
        await asyncio.to_thread(add, runtime, user_id, [new_song(1)])
        told, go_on = asyncio.Event(), asyncio.Event()

        async def wait() -> None:
            reads.after = None
            told.set()
            await go_on.wait()

        reads.after = wait
        late = asyncio.create_task(of(histories, user_id))
        await told.wait()
        await asyncio.to_thread(add, runtime, user_id, [new_song(2)])
        now = await of(histories, user_id)
        if let_go:
            monkeypatch.setattr(histories_module, "KEEP_SECONDS", -1.0)
            await of(histories, other)
            assert histories.size == 0
        go_on.set()
        return await late, now

    late, now = using(runtime, work)

    assert len(plays_of(now)) == len(HISTORY) + 2
    if let_go:
        assert plays_of(late) == plays_of(now)[:-1]
    else:
        assert late.columns is now.columns


@pytest.mark.usefixtures("_small_blocks")
def test_who_asked_with_less_is_given_what_others_have_already_too(runtime: Runtime) -> None:
    user_id = a_listener(runtime)

    async def work(histories: Histories, reads: NotedReads) -> list[ListenerHistory]:
        await of(histories, user_id)
        asking, go_on = asyncio.Event(), asyncio.Event()

        async def wait() -> None:
            reads.before = None
            asking.set()
            await go_on.wait()

        reads.before = wait
        late = asyncio.create_task(of(histories, user_id))
        await asking.wait()
        await asyncio.to_thread(add, runtime, user_id, [new_song(1)])
        between = await of(histories, user_id)
        await asyncio.to_thread(add, runtime, user_id, [new_song(2)])
        go_on.set()
        return [between, await late]

    between, late = map(plays_of, using(runtime, work))

    assert (len(between), len(late)) == (len(HISTORY) + 1, len(HISTORY) + 2)
    assert late[:-1] == between


@pytest.mark.usefixtures("_small_blocks")
def test_blocks_that_were_dropped_and_made_anew_are_read_anew(runtime: Runtime) -> None:
    user_id = a_listener(runtime)
    import_id = add(runtime, user_id, [new_song(number) for number in range(5)])

    async def work(histories: Histories, reads: NotedReads) -> list[list[int]]:
        def fewer() -> None:
            with runtime.database.transaction(acting_for=Actor.listener(user_id)) as tx:
                refresh_module.drop_blocks(tx.session, user_id)
            undo(runtime, user_id, import_id)

        seen = [plays_of(await of(histories, user_id))]
        await asyncio.to_thread(fewer)
        seen.append(plays_of(await of(histories, user_id)))
        assert reads.asked[-1].plays == 4
        return seen

    more, fewer = using(runtime, work)

    assert (len(more), len(fewer)) == (len(HISTORY) + 5, len(HISTORY))
    assert more[: len(fewer)] == fewer


@pytest.mark.usefixtures("_small_blocks")
@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM history_blocks WHERE number = 1",
        "UPDATE packed_histories SET generation = generation - 1",
        "UPDATE packed_histories SET generation = generation + 1, play_blocks = 9",
    ],
)
def test_where_the_blocks_make_no_whole_the_plays_are_read(
    runtime: Runtime, empty: Servers, monkeypatch: pytest.MonkeyPatch, statement: str
) -> None:
    """As in a database that was restored from a backup while we ran, or that somebody repaired by hand."""
    user_id = a_listener(runtime)
    if statement.startswith("DELETE"):
        # Whoever holds all blocks does not miss one.
        monkeypatch.setattr(histories_module, "KEEP_SECONDS", -1.0)

    async def work(histories: Histories, _: NotedReads) -> list[list[int]]:
        seen = [plays_of(await of(histories, user_id))]
        with psycopg.connect(empty.database_url) as connection:
            connection.execute(statement)
        seen += [plays_of(await of(histories, user_id)) for _ in range(2)]
        return seen

    first, *later = using(runtime, work)

    assert len(first) == len(HISTORY)
    assert later == [first, first]


def test_what_is_held_for_one_is_not_for_another(runtime: Runtime) -> None:
    user_id, other = a_listener(runtime), a_user(runtime)

    async def work(histories: Histories, _: NotedReads) -> None:
        await of(histories, user_id)
        with pytest.raises(NotFoundError):
            await histories.of(user_id, acting_for=Actor.listener(other))
        # An operator sees that there is somebody, and nothing of what they heard.
        seen = await histories.of(user_id, acting_for=Actor.admin(other))
        assert len(seen.columns.plays) == len(seen.columns.tracks) == 0

    using(runtime, work)


def test_no_more_is_held_than_allowed_and_the_oldest_goes_first(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, third = (a_listener(runtime) for _ in range(3))

    async def work(histories: Histories, reads: NotedReads) -> list[int]:
        async def blocks_read_for(user_id: UUID) -> int:
            reads.asked.clear()
            await of(histories, user_id)
            return sum(each.plays for each in reads.asked)

        await of(histories, first)
        monkeypatch.setattr(histories_module, "MOST_BYTES", 2 * histories.size)
        told = [await blocks_read_for(each) for each in (second, first, third, first, second)]
        assert histories.size <= histories_module.MOST_BYTES
        return told

    # What is held gives no block again; of the three, the second was looked at the longest time ago.
    assert using(runtime, work) == [1, 0, 1, 0, 1]


def test_what_nobody_looks_at_any_more_is_let_go(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    user_id, other = a_listener(runtime), a_user(runtime)
    monkeypatch.setattr(histories_module, "KEEP_SECONDS", -1.0)

    async def work(histories: Histories, _: NotedReads) -> None:
        await of(histories, user_id)
        assert histories.size > 0
        await of(histories, other)
        assert histories.size == 0

    using(runtime, work)
