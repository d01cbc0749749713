"""Listeners' histories in the memory of an API process; only what changed is read again.

What is held are the columns that every view is computed from, and columns derived from these that several
views use (`analytics/held.py`), never an answer.
"""

import asyncio
import os
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeVar
from uuid import UUID

from spotify_insights.database.actor import Actor
from spotify_insights.database.database import Database
from spotify_insights.errors import NotFoundError
from spotify_insights.listening.analytics.columns import HistoryColumns
from spotify_insights.listening.blocks.change import State, changed
from spotify_insights.listening.blocks.history import (
    NO_HISTORY,
    Answer,
    answer_of,
    changed_since,
    nothing_known,
)
from spotify_insights.listening.blocks.refresh import read_history
from spotify_insights.listening.views.history import ListenerHistory
from spotify_insights.web.hot_reads import HotReads

T = TypeVar("T")

# Some three listeners with half a million plays each, or five hundred with a few thousand: 17 bytes for a
# play and 73 for a track, and some 45 and 300 more for what views derive from them.
MOST_BYTES: Final = 128 * 2**20
# Nobody's history stays here for long after the last look at it.
KEEP_SECONDS: Final = 15 * 60.0
# Any view of so many plays takes some milliseconds, once what is derived from them is held.
_MOST_AT_ONCE: Final = 500_000
# So many blocks, some hundred kilobytes, come with the answer to everybody who asks at once: those of a few
# new plays, or a short history. What is more, one reads for all.
MOST_AT_HAND: Final = 8
_ALL: Final = 2**31


@dataclass(frozen=True)
class _Held:
    """`size` is that of the columns when they were looked at last, in bytes."""

    state: State
    size: int
    used_at: float


class Histories:
    """Gives histories to views, and computes views. Belongs to one event loop.

    Nobody sees what is held for them without asking the database first: it says, to the one who asks, which
    content is the listener's now. What they see is one state of the history, never parts of two.
    """

    def __init__(self, reads: HotReads, database: Database) -> None:
        self._reads = reads
        self._database = database
        # The one that was looked at last stands last.
        self._held: OrderedDict[UUID, _Held] = OrderedDict()
        self._size = 0
        self._loading: dict[UUID, tuple[asyncio.Lock, int]] = {}
        self._unpacked = asyncio.Semaphore(1)
        # Large arrays are computed without Python's lock; more threads than cores get into each other's way.
        self._threads = ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="views")

    @property
    def size(self) -> int:
        """How many bytes are held."""
        return self._size

    def close(self) -> None:
        """Let go of everything."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._held.clear()
        self._size = 0

    async def compute(self, history: ListenerHistory, work: Callable[[], T]) -> T:
        """Do `work` on this history: beside the event loop, unless it takes but a few milliseconds.

        A thread and the loop take turns at Python's lock, and each turn is longer than such work: with many
        requests at once, all of them would take a third longer.
        """
        if len(history.columns.plays) <= _MOST_AT_ONCE and len(history.columns.held):
            return work()
        return await self._beside(work)

    async def _beside(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    async def of(self, user_id: UUID, *, acting_for: Actor) -> ListenerHistory:
        """The history as it is now.

        Raises:
            NotFoundError: there is no such listener for this actor.
            UnavailableError: the database does not answer.
        """
        self._forget_unused()
        known = self._state_of(user_id)
        answer = await self._ask(user_id, acting_for, known, most=MOST_AT_HAND)
        if answer.generation is None:
            columns = NO_HISTORY if answer.is_packed else None
        else:
            columns = self._if_held(user_id, known, answer)
            if columns is None:
                async with self._alone(user_id):
                    answer, columns = await self._up_to_date(user_id, acting_for, known, answer)
        if columns is None:
            # Rare, slow and large: one at a time.
            async with self._unpacked:
                columns = await asyncio.to_thread(self._from_plays, answer.user_id, acting_for)
        return ListenerHistory(answer.user_id, columns, answer.timezone, answer.preferences, answer.now)

    async def _ask(self, user_id: UUID, acting_for: Actor, known: State | None, *, most: int) -> Answer:
        generation = 0 if known is None else known.generation
        rows = await self._reads.rows(changed_since(user_id, generation, most=most), acting_for=acting_for)
        answer = answer_of(rows, known=generation, most=most)
        if answer is None:
            raise NotFoundError("There is no such user.")
        return answer

    async def _up_to_date(
        self, user_id: UUID, acting_for: Actor, known: State | None, answer: Answer
    ) -> tuple[Answer, HistoryColumns | None]:
        """What the answer says, or a later one; None where its blocks do not make a whole.

        To be called by one at a time for each listener: of several who come at once one reads what is much,
        and the others find it held.

        Args:
            known: what was held when the answer was asked for.
        """
        columns = self._if_held(user_id, known, answer)
        if columns is None and answer.change is None:
            known = self._state_of(user_id)
            answer = await self._ask(user_id, acting_for, known, most=_ALL)
            columns = self._if_held(user_id, known, answer)
        if columns is not None or answer.change is None:
            return answer, columns
        before = self._newest(user_id, known) or nothing_known()
        after = None
        if before.generation < answer.change.generation:
            after = await self._beside(partial(changed, before, answer.change))
        if after is None:
            # As if the database were another one: from a backup, or changed by hand.
            self._forget(user_id)
            return answer, None
        self._remember(user_id, after)
        return answer, after.columns

    def _if_held(self, user_id: UUID, known: State | None, answer: Answer) -> HistoryColumns | None:
        """What is held, where that is as new as the answer, or newer: then somebody was told later."""
        newest = self._newest(user_id, known)
        if newest is None or answer.generation is None or newest.generation < answer.generation:
            return None
        if known is not None and answer.generation < known.generation:
            # What was known already is known no more.
            return None
        self._remember(user_id, newest)
        return newest.columns

    def _newest(self, user_id: UUID, known: State | None) -> State | None:
        """What is held now, or was held a moment ago and let go."""
        held = self._state_of(user_id)
        return known if held is None or (known and held.generation < known.generation) else held

    def _state_of(self, user_id: UUID) -> State | None:
        held = self._held.get(user_id)
        return None if held is None else held.state

    @asynccontextmanager
    async def _alone(self, user_id: UUID) -> AsyncIterator[None]:
        lock, waiting = self._loading.get(user_id, (asyncio.Lock(), 0))
        self._loading[user_id] = (lock, waiting + 1)
        try:
            async with lock:
                yield
        finally:
            lock, waiting = self._loading.pop(user_id)
            if waiting > 1:
                self._loading[user_id] = (lock, waiting - 1)

    def _remember(self, user_id: UUID, state: State) -> None:
        self._forget(user_id)
        # Measured at each look: views derive columns from those that were read.
        size = size_of(state.columns)
        self._held[user_id] = _Held(state, size, time.monotonic())
        self._size += size
        while len(self._held) > 1 and self._size > MOST_BYTES:
            self._forget(next(iter(self._held)))

    def _forget_unused(self) -> None:
        too_old = time.monotonic() - KEEP_SECONDS
        while self._held and next(iter(self._held.values())).used_at < too_old:
            self._forget(next(iter(self._held)))

    def _forget(self, user_id: UUID) -> None:
        held = self._held.pop(user_id, None)
        if held is not None:
            self._size -= held.size

    def _from_plays(self, user_id: UUID, acting_for: Actor) -> HistoryColumns:
        with self._database.transaction(acting_for=acting_for) as tx:
            return read_history(tx.session, user_id)


def size_of(columns: HistoryColumns) -> int:
    """How many bytes a history takes, with what views derived from it."""
    plays, tracks = columns.plays, columns.tracks
    arrays = (
        *(plays.ended_at, plays.track, plays.ms_played, plays.flags),
        *(tracks.track_id, tracks.artist, tracks.album, tracks.duration_ms),
        *(tracks.features, tracks.providers),
    )
    return sum(array.nbytes for array in arrays) + columns.held.nbytes + tracks.held.nbytes
