"""Histories in memory, before many who ask at once."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar
from uuid import UUID

import pytest
from typing_extensions import override

from history_trials import HISTORY, SLOW_TRAIN, a_listener, add, played
from makers import a_user
from spotify_insights.database.actor import Actor
from spotify_insights.errors import NotFoundError, UnavailableError
from spotify_insights.listening.blocks import refresh as refresh_module
from spotify_insights.listening.views.history import ListenerHistory
from spotify_insights.runtime import Runtime
from spotify_insights.settings import Settings
from spotify_insights.web import histories as histories_module
from spotify_insights.web.histories import Histories
from spotify_insights.web.hot_reads import HotReads

T = TypeVar("T")
Between = Callable[[str], None]


class NotedReads(HotReads):
    """Reads that remember what was asked; `between` is called before each statement."""

    between: Between | None = None

    def __init__(self, settings: Settings) -> None:
        super().__init__(
            settings.database_url.get_secret_value(), settings.redis_url.get_secret_value(), pool_size=4
        )
        self.asked: list[str] = []
        self.blocks: list[list[UUID]] = []

    @override
    async def rows(self, read: Any, *, acting_for: Actor) -> Any:
        kind = next(word for word in ("array_agg", "identities", "content") if word in read.statement)
        self.asked.append(kind)
        if kind == "content":
            self.blocks.append(read.parameters["revisions"])
        if self.between is not None:
            await asyncio.to_thread(self.between, kind)
        return await super().rows(read, acting_for=acting_for)


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


def test_of_many_who_come_at_once_one_reads(runtime: Runtime) -> None:
    user_id = a_listener(runtime)

    async def work(histories: Histories, reads: NotedReads) -> list[ListenerHistory]:
        found = await asyncio.gather(*(of(histories, user_id) for _ in range(20)))
        assert sorted(reads.asked) == [*["array_agg"] * 20, "content", "identities"]
        return found

    found = using(runtime, work)

    assert [len(each.columns.plays) for each in found] == [len(HISTORY)] * 20
    assert len({id(each.columns) for each in found}) == 1


def test_of_a_history_with_a_new_play_only_the_last_block_is_read_again(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refresh_module, "PLAYS_PER_BLOCK", 2)
    user_id = a_listener(runtime)

    async def work(histories: Histories, reads: NotedReads) -> list[list[int]]:
        before = (await of(histories, user_id)).columns.plays
        seen = []
        # Seven plays fill three blocks and half of the last one: the next play fills it, and the one after
        # that begins a new one.
        for minute, blocks_read in ((10, 1), (20, 2)):
            reads.asked.clear()
            reads.blocks.clear()
            await asyncio.to_thread(add, runtime, user_id, [played(SLOW_TRAIN, f"2026-05-01T10:{minute}:00")])
            plays = (await of(histories, user_id)).columns.plays
            # Nothing else: the tracks are known, and so is every block before.
            assert reads.asked == ["array_agg", "content"]
            assert [len(asked) for asked in reads.blocks] == [blocks_read]
            seen.append(plays.ended_at.tolist())
        assert seen[0][: len(before)] == before.ended_at.tolist()
        return seen

    first, second = using(runtime, work)

    assert (len(first), second[: len(first)]) == (len(HISTORY) + 1, first)
    assert second[-1] - first[-1] == 10 * 60


def test_a_change_between_two_statements_shows_before_or_after_never_a_mixture(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refresh_module, "PLAYS_PER_BLOCK", 2)
    changes = {
        # A play of a known song makes the blocks others, one of a new song the tracks as well.
        "content": played(SLOW_TRAIN, "2026-03-09T18:04:00"),
        "identities": played(SLOW_TRAIN, "2026-05-01T10:00:00", track_name="New", spotify_id="n" * 22),
    }

    async def seen_with_a_change_before(kind_of_statement: str, user_id: UUID) -> list[int]:
        pending = [changes[kind_of_statement]]

        def change(kind: str) -> None:
            if kind == kind_of_statement and pending:
                add(runtime, user_id, [pending.pop()])

        async def work(histories: Histories, reads: NotedReads) -> list[int]:
            reads.between = change
            plays = (history := await of(histories, user_id)).columns.plays
            assert set(plays.track.tolist()) <= set(range(len(history.columns.tracks)))
            ends: list[int] = plays.ended_at.tolist()
            return ends

        return await opened(runtime, work)

    for kind_of_statement in changes:
        ends = asyncio.run(seen_with_a_change_before(kind_of_statement, a_listener(runtime)))

        # Who finds that something is gone begins anew.
        assert len(ends) == len(HISTORY) + 1, kind_of_statement
        assert ends == sorted(ends)


def test_a_history_that_never_stands_still_is_told_of(runtime: Runtime) -> None:
    user_id = a_listener(runtime)

    async def work(histories: Histories, reads: NotedReads) -> None:
        def change(kind: str) -> None:
            if kind == "content":
                with runtime.database.transaction(acting_for=Actor.listener(user_id)) as tx:
                    refresh_module.refresh_blocks(tx.session, user_id)

        reads.between = change
        with pytest.raises(UnavailableError, match="is changing just now"):
            await of(histories, user_id)

    using(runtime, work)


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
        async def statements_for(user_id: UUID) -> int:
            reads.asked.clear()
            await of(histories, user_id)
            return len(reads.asked)

        await of(histories, first)
        monkeypatch.setattr(histories_module, "MOST_BYTES", 2 * histories.size)
        told = [await statements_for(each) for each in (second, first, third, first, second)]
        assert histories.size <= histories_module.MOST_BYTES
        return told

    # What is held costs one statement; of the three, the second was looked at the longest time ago.
    assert using(runtime, work) == [3, 1, 3, 1, 3]


def test_what_nobody_looks_at_any_more_is_let_go(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    user_id, other = a_listener(runtime), a_user(runtime)
    monkeypatch.setattr(histories_module, "KEEP_SECONDS", -1.0)

    async def work(histories: Histories, _: NotedReads) -> None:
        await of(histories, user_id)
        assert histories.size > 0
        await of(histories, other)
        assert histories.size == 0

    using(runtime, work)
