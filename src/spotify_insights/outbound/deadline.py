"""A time limit over a whole HTTP exchange, which no timeout of a single phase can give.

A read timeout starts anew with every byte, so a server that drips one byte at a time holds a caller
for as long as it likes. Here every wait on the socket also ends when the exchange's time is up.
"""

import math
import ssl
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import timedelta
from typing import Any, Final

import httpcore2
import httpx2
from typing_extensions import override

_ends_at: Final[ContextVar[float]] = ContextVar("exchange_ends_at", default=math.inf)


@contextmanager
def total_deadline(limit: timedelta) -> Iterator[None]:
    """Let what happens inside, in this thread, take no longer than `limit` altogether."""
    token = _ends_at.set(time.monotonic() + limit.total_seconds())
    try:
        yield
    finally:
        _ends_at.reset(token)


def time_is_up() -> bool:
    """Whether the deadline around the caller has passed; never without one."""
    return time.monotonic() >= _ends_at.get()


class DeadlineTransport(httpx2.HTTPTransport):
    """HTTP over sockets that respect `total_deadline`. Resolving a host name is not covered.

    Proxy settings of the environment are not read; `SSL_CERT_FILE` and `SSL_CERT_DIR` are.
    """

    def __init__(self, *, max_connections: int = 10) -> None:
        certificates = httpx2.create_ssl_context()
        super().__init__(verify=certificates)
        # HTTPTransport takes no network backend, the only place that sees every single wait.
        self._pool = httpcore2.ConnectionPool(
            ssl_context=certificates,
            max_connections=max_connections,
            keepalive_expiry=5.0,
            network_backend=_DeadlineBackend(),
        )


class _DeadlineBackend(httpcore2.NetworkBackend):
    def __init__(self) -> None:
        self._sockets = httpcore2.SyncBackend()

    @override
    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        bounded = _bounded(timeout, httpcore2.ConnectTimeout)
        return _DeadlineStream(self._sockets.connect_tcp(host, port, bounded, local_address, socket_options))


class _DeadlineStream(httpcore2.NetworkStream):
    def __init__(self, stream: httpcore2.NetworkStream) -> None:
        self._stream = stream

    @override
    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _bounded(timeout, httpcore2.ReadTimeout))

    @override
    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _bounded(timeout, httpcore2.WriteTimeout))

    @override
    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        bounded = _bounded(timeout, httpcore2.ConnectTimeout)
        return _DeadlineStream(self._stream.start_tls(ssl_context, server_hostname, bounded))

    @override
    def close(self) -> None:
        self._stream.close()

    @override
    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _bounded(timeout: float | None, error: type[httpcore2.TimeoutException]) -> float | None:
    left = _ends_at.get() - time.monotonic()
    if left <= 0:
        raise error("the time for the whole exchange is up")
    if left == math.inf:
        return timeout
    return left if timeout is None else min(timeout, left)
