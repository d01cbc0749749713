"""Listeners' histories in the memory of an API process; only what changed is read again.

What is held are the columns that every view is computed from, and columns derived from these that several
views use (`analytics/held.py`), never an answer.
"""

import asyncio
import os
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, TypeVar
from uuid import UUID

from spotify_insights.database.actor import Actor
from spotify_insights.database.database import Database
from spotify_insights.errors import NotFoundError, UnavailableError
from spotify_insights.listening.analytics.columns import (
    NO_PLAYS,
    HistoryColumns,
    PlayColumns,
    joined,
    plays_after,
)
from spotify_insights.listening.analytics.grow import grown
from spotify_insights.listening.blocks.history import (
    NO_HISTORY,
    block_contents,
    outline,
    track_columns,
    track_contents,
)
from spotify_insights.listening.blocks.packing import unpack_plays
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
_TRIES: Final = 5


@dataclass(frozen=True)
class _Held:
    """`blocks` are the parts of the plays in `columns`, by the revisions that they were read with.

    `size` is that of the columns when they were looked at last, in bytes.
    """

    tracks_revision: UUID
    revisions: tuple[UUID, ...]
    blocks: tuple[PlayColumns, ...]
    columns: HistoryColumns
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
        for _ in range(_TRIES):
            row = await self._reads.row(outline(user_id), acting_for=acting_for)
            if row is None:
                raise NotFoundError("There is no such user.")
            owner_id, timezone, preferences, tracks_revision, revisions, is_packed, now = row
            if not is_packed:
                # Rare, slow and large: one at a time.
                async with self._unpacked:
                    columns: HistoryColumns | None = await asyncio.to_thread(
                        self._from_plays, owner_id, acting_for
                    )
            elif tracks_revision is None:
                columns = NO_HISTORY
            else:
                columns = await self._packed(owner_id, acting_for, tracks_revision, tuple(revisions))
            if columns is not None:
                return ListenerHistory(owner_id, columns, timezone, preferences, now)
        raise UnavailableError("This history is changing just now. Try again in a few seconds.")

    async def _packed(
        self, user_id: UUID, acting_for: Actor, tracks_revision: UUID, revisions: tuple[UUID, ...]
    ) -> HistoryColumns | None:
        """What these revisions say; None where one of them is gone already."""
        columns = self._if_held(user_id, tracks_revision, revisions)
        if columns is not None:
            return columns
        # Of several who come at once, one reads; the others look again at what is held then.
        async with self._alone(user_id):
            columns = self._if_held(user_id, tracks_revision, revisions)
            if columns is None:
                columns = await self._read(user_id, acting_for, tracks_revision, revisions)
            return columns

    def _if_held(
        self, user_id: UUID, tracks_revision: UUID, revisions: tuple[UUID, ...]
    ) -> HistoryColumns | None:
        held = self._held.get(user_id)
        if held is None or (held.tracks_revision, held.revisions) != (tracks_revision, revisions):
            return None
        self._remember(user_id, held)
        return held.columns

    async def _read(
        self, user_id: UUID, acting_for: Actor, tracks_revision: UUID, revisions: tuple[UUID, ...]
    ) -> HistoryColumns | None:
        held = self._held.get(user_id)
        known = {} if held is None else dict(zip(held.revisions, held.blocks, strict=True))
        missing = [revision for revision in revisions if revision not in known]
        if missing:
            rows = await self._reads.rows(block_contents(user_id, missing), acting_for=acting_for)
            if len(rows) < len(missing):
                return None
            known |= {revision: unpack_plays(content) for revision, content in rows}
        if held is not None and held.tracks_revision == tracks_revision:
            tracks = held.columns.tracks
        else:
            row = await self._reads.row(track_contents(user_id), acting_for=acting_for)
            if row is None or row[0] != tracks_revision:
                return None
            tracks = track_columns(row[1], row[2])
        blocks = [known[revision] for revision in revisions]
        if held is None:
            columns = HistoryColumns(plays_after(NO_PLAYS, joined(blocks)), tracks)
        else:
            same = _blocks_in_common(held.revisions, revisions)
            kept = sum(len(block) for block in blocks[:same])
            columns = await self._beside(partial(grown, held.columns, blocks[same:], tracks, kept=kept))
        parts = tuple(_parts_of(columns.plays, [len(block) for block in blocks]))
        held = _Held(tracks_revision, revisions, parts, columns, 0, 0.0)
        self._remember(user_id, held)
        return columns

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

    def _remember(self, user_id: UUID, held: _Held) -> None:
        self._forget(user_id)
        # Measured at each look: views derive columns from those that were read.
        size = size_of(held.columns)
        self._held[user_id] = replace(held, size=size, used_at=time.monotonic())
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


def _parts_of(plays: PlayColumns, lengths: Sequence[int]) -> list[PlayColumns]:
    """The plays in stretches of these lengths: views, so that nothing is held twice."""
    parts, first = [], 0
    for length in lengths:
        parts.append(plays.where(slice(first, first + length)))
        first += length
    return parts


def _blocks_in_common(before: Sequence[UUID], after: Sequence[UUID]) -> int:
    """How many blocks, from the oldest on, are the same."""
    same = 0
    for old, new in zip(before, after, strict=False):
        if old != new:
            break
        same += 1
    return same


def size_of(columns: HistoryColumns) -> int:
    """How many bytes a history takes, with what views derived from it."""
    plays, tracks = columns.plays, columns.tracks
    arrays = (
        *(plays.ended_at, plays.track, plays.ms_played, plays.flags),
        *(tracks.track_id, tracks.artist, tracks.album, tracks.duration_ms),
        *(tracks.features, tracks.providers),
    )
    return sum(array.nbytes for array in arrays) + columns.held.nbytes + tracks.held.nbytes
