"""A process of the suite: one that can be killed, frozen, told to stop, and started again."""

import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from typing_extensions import override

from spotify_insights.cli.processes import Process

ROOT: Final = Path(__file__).resolve().parents[1]
# What finding Python and its libraries takes; no setting of the person who runs the suite.
_INHERITED: Final = ("PATH", "LD_LIBRARY_PATH", "TMPDIR")


class Child(Process):
    """One of the service's processes. `kept_down` says that nobody may start it again for now."""

    def __init__(
        self,
        name: str,
        module: str,
        arguments: Sequence[str],
        *,
        folder: Path,
        settings: Mapping[str, str],
        pass_fds: Sequence[int] = (),
    ) -> None:
        inherited = {key: os.environ[key] for key in _INHERITED if key in os.environ}
        paths = [*os.environ.get("PYTHONPATH", "").split(os.pathsep), str(ROOT)]
        super().__init__(
            name,
            [sys.executable, "-P", "-m", f"chaos.processes.{module}", *arguments],
            env={**inherited, "PYTHONPATH": os.pathsep.join(path for path in paths if path), **settings},
            ready_file=folder / f"{name}.ready",
            log=folder / f"{name}.log",
            pass_fds=pass_fds,
        )
        self.kept_down = False
        self.borrowed = False
        self.starts = 0

    @override
    def prepare(self) -> None:
        super().prepare()
        self.starts += 1

    @property
    def work(self) -> str:
        """What it does: equal for those that can stand in for each other. For a worker, its queue."""
        return self.name.rpartition("-")[2]

    def send(self, number: signal.Signals) -> None:
        """Send it to the main process alone; one that has ended does not mind."""
        if self.is_running:
            os.kill(self.pid, number)

    def send_all(self, number: signal.Signals) -> None:
        """Send it to the process and everything it has started."""
        if self.is_running:
            os.killpg(self.pid, number)
