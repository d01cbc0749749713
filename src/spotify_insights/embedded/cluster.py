"""The files of a PostgreSQL database cluster: made once, checked at every start."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from spotify_insights.embedded.child_log import last_meaningful_line
from spotify_insights.embedded.child_process import start_child
from spotify_insights.embedded.data_folder import DataFolder
from spotify_insights.embedded.passage import Passage, passage_to
from spotify_insights.embedded.unprivileged import Identity
from spotify_insights.errors import SetupError

SUPERUSER = "postgres"
ROLE = DATABASE = "spotify_insights"

# The role may make roles and databases. It is no superuser: row-level security would not bind one.
_FIRST_STATEMENTS = f"""\
CREATE ROLE {ROLE} LOGIN CREATEROLE CREATEDB;
CREATE DATABASE {DATABASE} OWNER {ROLE};
"""


class Cluster:
    """The cluster of a data folder, for the programs below `installed`, run as `identity`.

    Every program inherits the folder's lock, so that one left over from a crash keeps others out.
    """

    def __init__(
        self,
        folder: DataFolder,
        *,
        installed: Path,
        identity: Identity,
        environment: Mapping[str, str],
        log: Path,
        durable: bool,
    ) -> None:
        self._folder = folder
        self._installed = installed
        self._identity = identity
        self._environment = environment
        self._log = log
        self._durable = durable

    @property
    def path(self) -> Path:
        return self._folder.postgres

    def make_or_check(self) -> None:
        """Have a cluster that these programs can run, with the product's role and database in it.

        Safe to repeat, and to interrupt: a half-made cluster is never mistaken for one. Raises SetupError if
        a cluster is there that another major version made, or making one fails.
        """
        if (self.path / "PG_VERSION").exists():
            self._check_version()
            self._give_to_identity(self.path)
        else:
            self._make()

    def forget_crashed_server(self) -> None:
        """Remove what a killed server left lying about; only for the first launch under a fresh lock.

        PostgreSQL takes the recorded process id for a running server if any process has that number, as
        happens in restarted containers. The lock proves that none of ours is left.
        """
        (self.path / "postmaster.pid").unlink(missing_ok=True)
        for left_over in (self._folder.sockets / "postgres").iterdir():
            left_over.unlink()

    def _check_version(self) -> None:
        made_by = (self.path / "PG_VERSION").read_text(encoding="ascii").strip()
        said = subprocess.run(  # noqa: S603  (the wheel's own program)
            [self._installed / "bin" / "postgres", "--version"], check=False, capture_output=True, text=True
        ).stdout
        # It says "postgres (PostgreSQL) 18.6".
        brings = said.rpartition(" ")[2].partition(".")[0].strip()
        if made_by != brings:
            raise SetupError(
                f"{self.path} was made by PostgreSQL {made_by}, and this installation brings PostgreSQL "
                f"{brings or '(unknown)'}; carry the data over with pg_dump, or choose another data folder."
            )

    def _make(self) -> None:
        half_made = self.path.with_name("postgres.init")
        shutil.rmtree(half_made, ignore_errors=True)
        half_made.mkdir(mode=0o700)
        self._give_to_identity(half_made)
        passage = passage_to(half_made, self._folder, self._identity)
        location, superuser = ("-D", passage.name), f"--username={SUPERUSER}"
        access = ("--auth-local=trust", "--auth-host=reject")  # the folder's mode is the lock on the door
        text = ("--locale=C", "--encoding=UTF8")
        speed = () if self._durable else ("--no-sync",)
        self._run(passage, "initdb", *location, superuser, *access, *text, "--no-instructions", *speed)
        # Single-user mode: no server, no socket, and the whole cluster is there or it is not.
        careless = () if self._durable else ("-F",)
        alone = ("--single", *location, "-c", "exit_on_error=on", "-c", "log_checkpoints=off", *careless)
        self._run(passage, "postgres", *alone, "postgres", statements=_FIRST_STATEMENTS)
        half_made.rename(self.path)

    def _run(self, passage: Passage, program: str, *arguments: str, statements: str = "") -> None:
        began_at = self._log.stat().st_size if self._log.exists() else 0
        with tempfile.TemporaryFile() as standard_input:
            standard_input.write(statements.encode())
            standard_input.seek(0)
            running = start_child(
                [str(self._installed / "bin" / program), *arguments],
                identity=self._identity,
                death_signal=signal.SIGTERM,
                log=self._log,
                environment=self._environment,
                keep_open=[self._folder.lock_descriptor, *passage.descriptors],
                working_directory="/",
                standard_input=standard_input.fileno(),
            )
        try:
            status = running.wait()
        except BaseException:
            running.kill()
            running.wait()
            raise
        if status != 0:
            said = last_meaningful_line(self._log, begin=began_at) or f"{program} exit code {status}"
            raise SetupError(f"PostgreSQL could not make its database: {said} (log: {self._log})")

    def _give_to_identity(self, path: Path) -> None:
        if os.geteuid() != 0 or path.stat().st_uid == self._identity.uid:
            return
        # The top goes last: an interrupted walk is begun again.
        everything: Sequence[Path] = [*path.rglob("*"), path]
        for entry in everything:
            os.chown(entry, self._identity.uid, self._identity.gid, follow_symlinks=False)
