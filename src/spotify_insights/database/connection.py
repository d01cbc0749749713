"""Connections that give up on a server which falls silent.

A process that is stopped, a frozen machine or a cable that was cut sends nothing, not even an end. Nobody
may wait for that without bound, so every wait of these connections has a limit. When it is over, the
connection is closed on this side alone, for a farewell would wait just as long.
"""

import time
from typing import Any, Final, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import TupleRow
from typing_extensions import override

from spotify_insights.database.role import DatabaseRole

# Two seconds are the least that libpq takes.
CONNECT_SECONDS: Final = 2
# What an idle connection has to show that it still leads somewhere. Where it needs longer, a new one is made.
SIGN_OF_LIFE_SECONDS: Final = 1.0
REFUSE_SECONDS: Final = 1.0
_TO_CANCEL_SECONDS: Final = 1.0

# The kernel finds out by itself that the other machine is gone. Without effect on a local socket.
_TCP: Final[dict[str, int]] = {
    "keepalives": 1,
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
# How often psycopg looks for an interrupt while it waits.
_INTERVAL_SECONDS: Final = 0.1
_T = TypeVar("_T")


class SilentServerError(psycopg.OperationalError):
    """No answer came in time, and the connection was closed. What it was asked for may still be done."""

    def __init__(self) -> None:
        super().__init__("the server did not answer in time")


def connection_parameters(
    url: str, *, application_name: str, role: DatabaseRole | None = None
) -> dict[str, Any]:
    """What to connect with. TCP settings in the address itself count more than ours.

    Args:
        role: which role the connection takes as its default; None stays who the address says.
    """
    given = conninfo_to_dict(url)
    ours: dict[str, Any] = {"application_name": application_name, "connect_timeout": CONNECT_SECONDS}
    if role is not None:
        # As the connection's own default, so that nothing it is asked runs without it and RESET leads back.
        ours["options"] = f"{given.get('options', '')} -c role={role}".strip()
    return {**_TCP, **given, **ours}


class Connection(psycopg.Connection[TupleRow]):
    """Waits `patience` seconds for each answer; None waits for ever."""

    patience: float | None = CONNECT_SECONDS

    @override
    def wait(self, gen: PQGen[_T], interval: float = _INTERVAL_SECONDS, timeout: float | None = None) -> _T:
        if timeout is not None:
            return super().wait(gen, interval, timeout)
        try:
            return super().wait(gen, interval, self.patience)
        except psycopg.errors._WaitTimeout as error:  # noqa: SLF001  # what `wait` is documented to raise
            self.pgconn.finish()
            raise SilentServerError from error


class Connector:
    """Makes connections; for a moment after a server was silent even then, it refuses to wait for it again.

    Without that, everybody in a queue would wait for the same silence one after the other.
    """

    def __init__(self, url: str, *, application_name: str, role: DatabaseRole | None = None) -> None:
        self._parameters = connection_parameters(url, application_name=application_name, role=role)
        self._refusing_until = 0.0

    def __call__(self) -> Connection:
        if time.monotonic() < self._refusing_until:
            raise SilentServerError
        try:
            return Connection.connect(**self._parameters)
        except psycopg.errors.ConnectionTimeout:
            self._refusing_until = time.monotonic() + REFUSE_SECONDS
            raise


class AsyncConnection(psycopg.AsyncConnection[TupleRow]):
    """Waits until `answer_by` of the monotonic clock; without it, as long as for a sign of life."""

    answer_by: float | None = None

    @override
    async def wait(
        self, gen: PQGen[_T], interval: float = _INTERVAL_SECONDS, timeout: float | None = None
    ) -> _T:
        if timeout is not None:
            return await super().wait(gen, interval, timeout)
        limit = SIGN_OF_LIFE_SECONDS if self.answer_by is None else self.answer_by - time.monotonic()
        try:
            return await super().wait(gen, interval, max(limit, 0.0))
        except psycopg.errors._WaitTimeout as error:  # noqa: SLF001  # what `wait` is documented to raise
            self.pgconn.finish()
            raise SilentServerError from error

    @override
    async def cancel_safe(self, *, timeout: float = _TO_CANCEL_SECONDS) -> None:
        """As psycopg's, which whoever is cancelled during a wait must sit out: so it is short here."""
        try:
            await super().cancel_safe(timeout=min(timeout, _TO_CANCEL_SECONDS))
        except psycopg.Error:
            self.pgconn.finish()
            raise
