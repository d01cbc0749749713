"""The places where a secret could end up, each read as a whole after a test."""

import io
import logging
import re
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import Any, Final

from psycopg import sql
from starlette.testclient import TestClient
from typing_extensions import override

from canaries import Canaries, known_canaries
from owner_connection import TABLES, OwnerConnection
from spotify_insights.observability import hand_to_standard_library, log_formatter

# Operations whose answer is the one place where a secret is shown, once and to whoever it belongs to.
SHOWN_ONCE: Final[tuple[tuple[str, str], ...]] = (
    # Keys and tokens for programs.
    ("POST", "/api/auth/token"),
    ("POST", "/api/keys"),
    # The link that downloads an export.
    ("POST", r"/api/users/[^/]+/exports/[^/]+/link"),
    ("POST", "/api/admin/services"),
    # The state, which goes to the provider with the browser; the cookies of the browser that signs in.
    ("GET", "/auth/[a-z]+/login"),
    ("GET", "/auth/[a-z]+/callback"),
    ("POST", "/auth/listenbrainz"),
    # The session of whoever signs in or joins; the link in an invitation leads to a provider, too.
    ("POST", "/(sign-in|setup|invitation|register)"),
    ("GET", "/invitation"),
    # Links for others, and a key or download of one's own.
    ("POST", "/api/admin/(invitations|users/[^/]+/password-reset)"),
    ("POST", "/people/(invitations|[^/]+/password-reset)"),
    ("POST", "/account/(keys|exports/[^/]+/download)"),
)
_LARGEST_LOG_BYTES: Final = 20_000_000


@dataclass(frozen=True)
class Leak:
    """A secret in a place where it must not be."""

    sink: str
    secrets: tuple[str, ...]

    @override
    def __str__(self) -> str:
        return f"{self.sink} holds {', '.join(self.secrets)}"


_EVERY_ROW: Final = sql.SQL(" UNION ALL ").join(
    sql.SQL("SELECT {name}, string_agg(r::text, E'\\n') FROM {table} r").format(
        name=sql.Literal(table), table=sql.Identifier(table)
    )
    for table in TABLES
)
_EVERY_FILE: Final = """
    SELECT string_agg(c.content, ''::bytea ORDER BY c.number) FROM stored_file_chunks c GROUP BY c.file_id
"""


def leaks_of_rows(servers: OwnerConnection, canaries: Canaries) -> list[Leak]:
    """Whatever is in the database, as a dump would show it; kept files are opened."""
    content = {table: rows for table, rows in servers.rows(_EVERY_ROW) if rows is not None}
    found = [_leak(f"the table {table}", rows, canaries) for table, rows in content.items()]
    if "stored_file_chunks" in content:
        found += [_leak("a stored file", opened(file), canaries) for (file,) in servers.rows(_EVERY_FILE)]
    return [leak for leak in found if leak is not None]


# Every key with its value, whatever its type, in one round trip.
_EVERYTHING: Final = """
local all = {}
local function add(value)
    if type(value) == 'table' then
        for _, inner in ipairs(value) do add(inner) end
    else
        all[#all + 1] = tostring(value)
    end
end
local read = {
    string = function(key) return redis.call('GET', key) end,
    list = function(key) return redis.call('LRANGE', key, 0, -1) end,
    set = function(key) return redis.call('SMEMBERS', key) end,
    zset = function(key) return redis.call('ZRANGE', key, 0, -1) end,
    hash = function(key) return redis.call('HGETALL', key) end,
    stream = function(key) return redis.call('XRANGE', key, '-', '+') end,
}
for _, key in ipairs(redis.call('KEYS', '*')) do
    add(key)
    add(read[redis.call('TYPE', key).ok](key))
end
return all
"""


def leaks_of_redis(servers: OwnerConnection, canaries: Canaries) -> list[Leak]:
    """Whatever is in Redis: the cache, limits, and the messages that wait in the broker's lists."""
    everything: Any = servers.redis.eval(_EVERYTHING, 0)
    return [leak for leak in [_leak("Redis", b"\n".join(everything), canaries)] if leak is not None]


def leaks_of_files(folder: Path | None, canaries: Canaries) -> list[Leak]:
    """What processes of their own wrote to log files below `folder`."""
    found = [
        _leak(f"the log file {file.name}", file.read_bytes(), canaries)
        for file in ([] if folder is None else folder.rglob("*.log"))
        if file.is_file() and file.stat().st_size < _LARGEST_LOG_BYTES
    ]
    return [leak for leak in found if leak is not None]


class CollectedLog(logging.Handler):
    """The lines that this process would write, made by the product's own chain."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(log_formatter())
        self.lines: list[str] = []

    @override
    def emit(self, record: logging.LogRecord) -> None:
        try:
            self.lines.append(self.format(record))
        except Exception:  # noqa: BLE001  # as every handler: a log line never breaks what is logged
            self.handleError(record)

    def leaks(self, canaries: Canaries) -> list[Leak]:
        return [leak for leak in [_leak("the log", "\n".join(self.lines), canaries)] if leak is not None]


@contextmanager
def collected_log() -> Iterator[CollectedLog]:
    """Everything that is logged until the block ends, from INFO on."""
    log, root = CollectedLog(), logging.getLogger()
    level = root.level
    hand_to_standard_library(for_good=False)
    root.addHandler(log)
    root.setLevel(min(level, logging.INFO))
    try:
        yield log
    finally:
        root.removeHandler(log)
        root.setLevel(level)


@dataclass
class SeenAnswers:
    """What the answers of the API held, judged at the moment they came."""

    leaks: list[Leak] = field(default_factory=list)

    def look_at(self, answer: Any) -> None:
        method, path = answer.request.method, answer.request.url.path
        # Somebody whose form was refused may still go on from their invitation to a provider.
        if (answer.status_code < 400 or path == "/invitation") and _is_shown_once(method, path):
            return
        content = repr(answer.headers.multi_items()).encode()
        if answer.is_stream_consumed or answer.is_closed:
            content += b"\n" + opened(answer.content)
        leak = _leak(f"the answer {answer.status_code} of {method} {path}", content, known_canaries())
        if leak is not None:
            self.leaks.append(leak)


seen_answers = SeenAnswers()


def watch_answers() -> None:
    """From here on, every answer that a test client of the API receives is looked at. Safe to repeat."""
    if hasattr(TestClient.send, "tells_canaries"):
        return
    send: Callable[..., Any] = TestClient.send

    @wraps(send)
    def telling(*args: Any, **kwargs: Any) -> Any:
        answer = send(*args, **kwargs)
        for one in (*answer.history, answer):
            seen_answers.look_at(one)
        return answer

    telling.tells_canaries = True  # type: ignore[attr-defined]  # a mark for ourselves
    TestClient.send = telling  # type: ignore[method-assign]  # starlette has no hook for it


def opened(content: bytes) -> bytes:
    """The content; of a zip file, what is in it."""
    if not content.startswith(b"PK\x03\x04"):
        return content
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return b"\n".join(archive.read(name) for name in archive.namelist())


def _is_shown_once(method: str, path: str) -> bool:
    return any(method == shown and re.fullmatch(pattern, path) for shown, pattern in SHOWN_ONCE)


def _leak(sink: str, content: bytes | str, canaries: Canaries) -> Leak | None:
    found = canaries.found_in(content)
    return Leak(sink, tuple(found)) if found else None
