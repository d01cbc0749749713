"""A PostgreSQL server of our own, reachable only through a unix socket in the data folder."""

import os
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar
from urllib.parse import quote

from typing_extensions import override

from spotify_insights.embedded.binaries import find_postgres, reachable_postgres
from spotify_insights.embedded.child_log import meaningful_lines
from spotify_insights.embedded.child_process import ChildProcess
from spotify_insights.embedded.cluster import DATABASE, ROLE, SUPERUSER, Cluster
from spotify_insights.embedded.data_folder import DataFolder
from spotify_insights.embedded.passage import passage_to
from spotify_insights.embedded.unprivileged import Identity, unprivileged_identity

# For one machine that the workers share; see "Server Configuration" in PostgreSQL's manual.
_SETTINGS = {
    "listen_addresses": "",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "max_wal_size": "512MB",
    # Parallel plans gain little on two shared cores, and need more shared memory than containers give.
    "max_parallel_workers_per_gather": "0",
    "max_parallel_maintenance_workers": "0",
    "io_method": "sync",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
    "log_checkpoints": "off",
    # A failed statement's text may carry somebody's data; the error itself is enough.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}
# Only for data that nobody will miss: after a crash of the machine it may be damaged.
_CARELESS_SETTINGS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}

# Where postmaster.pid tells how far the server is (LOCK_FILE_LINE_PM_STATUS in its pidfile.h), from 0.
_STATUS_LINE = 7


class EmbeddedPostgres(ChildProcess):
    """PostgreSQL on the data of `folder`, which must be entered (and thus locked).

    The first launch makes the database; the role `spotify_insights` owns the database of the same name and is
    no superuser. `durable=False` trades safety against a crash of the machine for speed: tests want that.
    `identity` says who it runs as; left out, `unprivileged_identity` decides.
    """

    # "Fast" shutdown, then "immediate" (next start recovers), then nothing can be asked any more.
    stop_steps = ((signal.SIGINT, 10.0), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0))
    death_signal: ClassVar[signal.Signals] = signal.SIGINT
    # Recovery after a crash replays up to `max_wal_size`.
    ready_within_seconds: ClassVar[float] = 120.0
    working_directory: ClassVar[str | None] = "/"

    def __init__(self, folder: DataFolder, *, durable: bool = True, identity: Identity | None = None) -> None:
        super().__init__(
            "PostgreSQL",
            (),
            log=folder.logs / "postgres.log",
            environment=_server_environment(),
            keep_open=[folder.lock_descriptor],
        )
        self._folder = folder
        self._durable = durable
        self._wanted_identity = identity
        self._is_prepared = False

    @property
    def url(self) -> str:
        """The product's role and database, as a libpq URI."""
        return self.url_for(role=ROLE, database=DATABASE)

    def url_for(self, *, role: str = SUPERUSER, database: str = SUPERUSER) -> str:
        """Any role and database of this server, as a libpq URI; by default its superuser's."""
        host = quote(os.fsencode(self._folder.sockets / "postgres"), safe="/")
        return f"postgresql://{quote(role, safe='')}@/{quote(database, safe='')}?host={host}"

    @override
    def prepare(self) -> None:
        # Later launches follow a crash under our eyes. Then PostgreSQL itself must judge what it finds: old
        # connections may not be gone yet, and its pid file leads it to them.
        if self._is_prepared:
            return
        self.identity = self._wanted_identity or unprivileged_identity()
        installed = reachable_postgres(self.identity, find_postgres())
        cluster = Cluster(
            self._folder,
            installed=installed,
            identity=self.identity,
            environment=self.environment,
            log=self.log,
            durable=self._durable,
        )
        cluster.make_or_check()
        cluster.forget_crashed_server()
        sockets = self._folder.sockets / "postgres"
        if self.identity.is_somebody_else:
            os.chown(sockets, self.identity.uid, self.identity.gid)
        passages = [
            passage_to(folder, self._folder, self.identity) for folder in (self._folder.postgres, sockets)
        ]
        self.keep_open = [self._folder.lock_descriptor, *(n for way in passages for n in way.descriptors)]
        self.command = self._server_command(installed, *(way.name for way in passages))
        self._is_prepared = True

    @override
    def is_ready(self) -> bool:
        try:
            lines = (self._folder.postgres / "postmaster.pid").read_text(errors="replace").splitlines()
        except FileNotFoundError:
            return False
        return (
            len(lines) > _STATUS_LINE
            and lines[0].strip() == str(self.pid)
            and lines[_STATUS_LINE].strip() == "ready"
        )

    @override
    def last_words(self) -> str:
        # Hints follow the reason, so the last line is rarely the one.
        for line in reversed(meaningful_lines(self.log, begin=self.log_began_at)):
            for severity in ("FATAL:", "PANIC:"):
                if severity in line:
                    return line.partition(severity)[2].strip()
        return super().last_words()

    def _server_command(self, installed: Path, data: str, sockets: str) -> Sequence[str]:
        # The setting is a list of names; quoted, a comma or a blank in the path is part of the name.
        quoted = sockets.replace('"', '""')
        settings = {**_SETTINGS, "unix_socket_directories": f'"{quoted}"'}
        if not self._durable:
            settings |= _CARELESS_SETTINGS
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return [str(installed / "bin" / "postgres"), "-D", data, *options]


def _server_environment() -> dict[str, str]:
    """Nothing of ours but where to find libraries: PG* variables and secrets are none of its business."""
    kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH", "TMPDIR") if name in os.environ}
    return {**kept, "LC_ALL": "C", "TZ": "UTC"}
