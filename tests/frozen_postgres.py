"""PostgreSQL processes that stand still: their connections stay, and nobody answers."""

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import psutil

from spotify_insights.database.upgrade import upgrade_database
from spotify_insights.embedded.data_folder import DataFolder
from spotify_insights.embedded.postgres import EmbeddedPostgres


@contextmanager
def frozen_backend(pid: int) -> Iterator[None]:
    """The process behind one connection stands still until the block ends."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


@contextmanager
def frozen_server(pid: int) -> Iterator[None]:
    """A whole server stands still until the block ends."""
    server = psutil.Process(pid)
    with ExitStack() as frozen:
        # The main process first, so that it starts no further one.
        frozen.enter_context(frozen_backend(pid))
        for process in server.children(recursive=True):
            with suppress(ProcessLookupError):
                frozen.enter_context(frozen_backend(process.pid))
        yield


@contextmanager
def server_to_freeze(folder: Path) -> Iterator[EmbeddedPostgres]:
    """A PostgreSQL of the test's own, with this version's schema: only those may be frozen."""
    with DataFolder(folder) as data:
        postgres = EmbeddedPostgres(data, durable=False)
        postgres.start()
        try:
            upgrade_database(postgres.url)
            yield postgres
        finally:
            postgres.stop()
