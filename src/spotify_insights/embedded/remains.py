"""Servers that outlived a killed supervisor, on systems whose kernel does not end them for us."""

import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path


def end_remains(folder: Path) -> None:
    """Ask servers that still run on `folder` to stop; returns at once, whether or not there were any.

    Their process ids come from files that may be stale, so a process is signalled only if it stands in this
    folder. Call it only while no supervisor holds the folder.
    """
    for data, pid_file, stop_signal in (
        (folder / "postgres", folder / "postgres" / "postmaster.pid", signal.SIGINT),
        (folder / "valkey", folder / "run" / "valkey.pid", signal.SIGTERM),
    ):
        pid = _recorded_pid(pid_file)
        if pid is not None and _stands_in(pid, data):
            with suppress(OSError):
                os.kill(pid, stop_signal)


def _recorded_pid(path: Path) -> int | None:
    with suppress(OSError, ValueError, IndexError):
        return int(path.read_text(encoding="ascii").splitlines()[0])
    return None


def _stands_in(pid: int, data: Path) -> bool:
    """Both servers work in their data folder, and name it on their command line as well."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/cwd").readlink() == data
    with suppress(OSError):
        # macOS has no /proc. `ww`: the whole line, however long.
        asked = ["/bin/ps", "-ww", "-o", "command=", "-p", str(pid)]
        finished = subprocess.run(asked, check=False, capture_output=True, text=True)  # noqa: S603  (fixed words)
        return str(data) in finished.stdout
    return False
