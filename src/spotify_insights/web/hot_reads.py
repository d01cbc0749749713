"""Answering reads quickly: Redis first, else one statement whose JSON PostgreSQL builds."""

import asyncio
import hashlib
import time
from collections.abc import Callable
from typing import Any, Final

import psycopg
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool, PoolTimeout
from starlette.requests import Request
from starlette.responses import Response

from spotify_insights.cache.keys import Entry
from spotify_insights.cache.versioned import NOT_CACHED, Lookup
from spotify_insights.database.actor import SET_ACTOR, Actor
from spotify_insights.database.connection import (
    SIGN_OF_LIFE_SECONDS,
    AsyncConnection,
    SilentServerError,
    connection_parameters,
)
from spotify_insights.database.database import DATABASE_SILENT
from spotify_insights.database.hot_read import HotRead
from spotify_insights.database.role import DatabaseRole
from spotify_insights.errors import NotFoundError, UnavailableError
from spotify_insights.web.async_cache import AsyncCache
from spotify_insights.web.pagination import LINK_HEADER, Cursors

JSON: Final = "application/json"
# Whoever waits for the database learns within two seconds that it is away, on a busy machine, too.
POOL_TIMEOUT_SECONDS: Final = 1.0
READ_TIMEOUT_SECONDS: Final = 4.0
# Of one statement. A server that is merely slow ends it by itself, and its connection is as good as before.
_STATEMENT_TIMEOUT: Final = "3500ms"
_BEGIN: Final = f"{SET_ACTOR}, set_config('statement_timeout', '{_STATEMENT_TIMEOUT}', true)"
# The pool waits twice as long after each failed connection. Giving up early lets the next request begin anew,
# so that a database that comes back after an hour is used at once and not after another hour.
RECONNECT_SECONDS: Final = 1.0

_ETAG_HEADER: Final = {
    "ETag": {"description": "Send it back as `If-None-Match`.", "schema": {"type": "string"}},
}
_NOT_MODIFIED: Final[dict[int | str, dict[str, Any]]] = {
    304: {"description": "Nothing changed since the answer whose ETag was sent.", "headers": _ETAG_HEADER}
}
OBJECT_RESPONSES: Final[dict[int | str, dict[str, Any]]] = {200: {"headers": _ETAG_HEADER}, **_NOT_MODIFIED}
PAGE_RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    200: {"headers": _ETAG_HEADER | LINK_HEADER},
    **_NOT_MODIFIED,
}


class HotReads:
    """The read side of the API in one process. Belongs to one event loop."""

    def __init__(self, database_url: str, cache_url: str, *, pool_size: int) -> None:
        self._pool: AsyncConnectionPool[AsyncConnection] = AsyncConnectionPool(
            connection_class=AsyncConnection,
            kwargs={
                **connection_parameters(
                    database_url, application_name="spotify-insights reads", role=DatabaseRole.API
                ),
                "autocommit": True,
            },
            min_size=1,
            max_size=pool_size,
            timeout=POOL_TIMEOUT_SECONDS,
            reconnect_timeout=RECONNECT_SECONDS,
            open=False,
        )
        self._checks: set[asyncio.Task[None]] = set()
        self.cache = AsyncCache(cache_url)

    async def open(self) -> None:
        """Start the pool; it connects in the background."""
        await self._pool.open()

    async def close(self) -> None:
        """Close every connection."""
        await self._pool.close()
        await self.cache.close()

    async def row(self, read: HotRead, *, acting_for: Actor) -> TupleRow | None:
        """The statement's row, read inside a transaction that carries the actor, in one round trip.

        Raises:
            UnavailableError: the database does not answer, or not within READ_TIMEOUT_SECONDS.
        """
        rows = await self.rows(read, acting_for=acting_for)
        return rows[0] if rows else None

    async def rows(self, read: HotRead, *, acting_for: Actor) -> list[TupleRow]:
        """As `row`, for a statement that gives any number of them."""
        # No timeout of asyncio's: what that cancels asks the server to stop, and waits for a silent one.
        answer_by = time.monotonic() + READ_TIMEOUT_SECONDS
        try:
            return await self._read_despite_restart(read, acting_for, answer_by)
        except psycopg.OperationalError as error:
            raise UnavailableError(DATABASE_SILENT) from error

    async def _read_despite_restart(
        self, read: HotRead, acting_for: Actor, answer_by: float
    ) -> list[TupleRow]:
        try:
            return await self._read(read, acting_for, answer_by)
        except (PoolTimeout, SilentServerError, psycopg.errors.QueryCanceled):
            raise
        except psycopg.OperationalError:
            # A restarted database leaves broken connections in the pool: clear them out and ask once more.
            await self._clear_out()
            return await self._read(read, acting_for, answer_by)

    async def _clear_out(self) -> None:
        # A check that is cancelled loses the connections that it holds, so a slow one goes on without us.
        check = asyncio.create_task(self._pool.check(), name="check of the pool")
        self._checks.add(check)
        check.add_done_callback(self._checks.discard)
        await asyncio.wait([check], timeout=SIGN_OF_LIFE_SECONDS)

    async def _read(self, read: HotRead, acting_for: Actor, answer_by: float) -> list[TupleRow]:
        patience = min(POOL_TIMEOUT_SECONDS, answer_by - time.monotonic())
        async with self._pool.connection(patience) as connection:
            connection.answer_by = answer_by
            try:
                async with connection.pipeline():
                    await connection.execute("BEGIN READ ONLY")
                    await connection.execute(_BEGIN, acting_for.parameters)
                    cursor = await connection.execute(read.statement, read.parameters, binary=read.binary)
                    await connection.execute("COMMIT")
                    return await cursor.fetchall()
            finally:
                connection.answer_by = None

    async def object(
        self,
        request: Request,
        read: HotRead,
        *,
        acting_for: Actor,
        missing: str,
        entry: Entry | None = None,
        cacheable: Callable[[TupleRow], bool] = lambda _: True,
    ) -> Response:
        """One object with a strong ETag, or 304 where the client has it already.

        Args:
            missing: the sentence for an object that does not exist.
            entry: where the answer is cached; None for what must always be fresh.
            cacheable: decides by the row whether this answer may be kept.

        Raises:
            NotFoundError: the statement gave no row.
            UnavailableError: the database does not answer.
        """
        found = await self._look_up(entry)
        if found.value is not None:
            return answer_body(request, found.value)
        row = await self._existing(read, acting_for, missing)
        body = str(row[0]).encode()
        if entry is not None and found.version is not None and cacheable(row):
            await self.cache.keep(entry, body, version=found.version)
        return answer_body(request, body)

    async def page(
        self,
        request: Request,
        read: HotRead,
        *,
        acting_for: Actor,
        missing: str,
        cursors: Cursors,
        entry: Entry | None = None,
    ) -> Response:
        """A list with a strong ETag, and the next page in the `Link` header where there is one.

        Args and raises: as `object`, with the list's own `cursors`.
        """
        found = await self._look_up(entry)
        if found.value is not None:
            position, _, body = found.value.partition(b"\n")
            return answer_body(request, body, next_page=_next_page(request, cursors, position.decode()))
        row = await self._existing(read, acting_for, missing)
        body, position_text = str(row[0]).encode(), str(row[1] or "")
        if entry is not None and found.version is not None:
            await self.cache.keep(entry, position_text.encode() + b"\n" + body, version=found.version)
        return answer_body(request, body, next_page=_next_page(request, cursors, position_text))

    async def _look_up(self, entry: Entry | None) -> Lookup:
        return NOT_CACHED if entry is None else await self.cache.look_up(entry)

    async def _existing(self, read: HotRead, acting_for: Actor, missing: str) -> TupleRow:
        row = await self.row(read, acting_for=acting_for)
        if row is None:
            raise NotFoundError(missing)
        return row


def digest_of(body: bytes) -> str:
    """What tells one answer from another: its ETag, without the quotation marks."""
    return hashlib.blake2b(body, digest_size=12).hexdigest()


def _next_page(request: Request, cursors: Cursors, position: str) -> str | None:
    return cursors.next_link(request.url, position) if position else None


def answer_body(request: Request, body: bytes, *, next_page: str | None = None) -> Response:
    """The finished JSON with a strong ETag, or 304 where the client has it already."""
    etag = f'"{digest_of(body)}"'
    headers = {"ETag": etag, "Cache-Control": "private, no-cache"}
    if next_page is not None:
        headers["Link"] = next_page
    if _matches(request.headers.get("if-none-match"), etag):
        return Response(status_code=304, headers=headers)
    return Response(body, media_type=JSON, headers=headers)


def _matches(if_none_match: str | None, etag: str) -> bool:
    """Weak comparison, as RFC 9110 section 13.1.2 asks for If-None-Match."""
    if if_none_match is None:
        return False
    given = [candidate.strip().removeprefix("W/") for candidate in if_none_match.split(",")]
    return "*" in given or etag in given
