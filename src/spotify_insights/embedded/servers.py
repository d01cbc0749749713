"""Both servers at once, for whoever needs a database and a queue for a while."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from spotify_insights.embedded.child_process import start_together
from spotify_insights.embedded.data_folder import DataFolder
from spotify_insights.embedded.postgres import EmbeddedPostgres
from spotify_insights.embedded.valkey import EmbeddedValkey


@dataclass(frozen=True, slots=True)
class RunningServers:
    """Both servers, ready, and where they are."""

    postgres: EmbeddedPostgres
    valkey: EmbeddedValkey

    @property
    def database_url(self) -> str:
        """The product's role and database, as a libpq URI."""
        return self.postgres.url

    @property
    def redis_url(self) -> str:
        """Database 0, in the form that redis-py takes."""
        return self.valkey.url


@contextmanager
def running_servers(folder: Path, *, durable: bool = True) -> Generator[RunningServers]:
    """PostgreSQL and Valkey on the data in `folder`, from entering to leaving.

    `folder` is new, empty, or was used by this before; then what it held is there again. `durable=False` is
    faster and fit for tests. Use it from the main thread. Should this process be killed, they end with it.

    Raises SetupError if the folder is in use or unusable, or a server cannot start.
    """
    with DataFolder(folder) as data:
        servers = RunningServers(
            EmbeddedPostgres(data, durable=durable), EmbeddedValkey(data, durable=durable)
        )
        try:
            # Valkey first: making a database takes a second, meanwhile the other is up.
            start_together([servers.valkey, servers.postgres])
            yield servers
        finally:
            servers.valkey.stop()
            servers.postgres.stop()
