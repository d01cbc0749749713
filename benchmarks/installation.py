"""A database of its own for one benchmark, with one listener, and invented exports to import."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import psycopg

from spotify_insights.database.upgrade import upgrade_database
from spotify_insights.embedded.servers import running_servers
from spotify_insights.pretend_spotify.privacy_export import write_extended_export

UNTIL = datetime(2026, 11, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Installation:
    """Real servers, as `up` starts them: what is committed is on the disk."""

    database_url: str
    redis_url: str
    folder: Path

    def a_listener(self, *, timezone: str = "Pacific/Auckland") -> UUID:
        """Somebody new, without any history."""
        user_id = uuid4()
        with self.as_owner() as connection:
            connection.execute("INSERT INTO users (id, timezone) VALUES (%s, %s)", [user_id, timezone])
        return user_id

    def an_export(self, rows: int) -> Path:
        """An export of so many rows over ten years, in the true format."""
        path = self.folder / f"export-{rows}.zip"
        if not path.exists():
            write_extended_export(path, rows=rows, seed=1, until=UNTIL)
        return path

    def as_owner(self) -> psycopg.Connection:
        """A connection that sees everything; it commits each statement."""
        return psycopg.connect(self.database_url, options="-c app.actor_role=migration", autocommit=True)


@contextmanager
def running_installation() -> Iterator[Installation]:
    """Servers in a folder that is gone afterwards."""
    with (
        tempfile.TemporaryDirectory(prefix="benchmark-") as folder,
        running_servers(Path(folder) / "data") as servers,
    ):
        upgrade_database(servers.database_url)
        yield Installation(servers.database_url, servers.redis_url, Path(folder))
