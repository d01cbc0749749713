"""Servers that outlived a killed supervisor, on systems whose kernel does not end them for us."""

import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path


def end_remains(folder: Path) -> None:
    """Ask servers that still run on `folder` to stop; returns at once, whether or not there were any.

    Their process ids come from files that may be stale, so a process is signalled only if its command line
    names this folder. Call it only while no supervisor holds the folder.
    """
    for pid_file, stop_signal in (
        (folder / "postgres" / "postmaster.pid", signal.SIGINT),
        (folder / "run" / "valkey.pid", signal.SIGTERM),
    ):
        pid = _recorded_pid(pid_file)
        if pid is not None and str(folder) in _command_line(pid):
            with suppress(OSError):
                os.kill(pid, stop_signal)


def _recorded_pid(path: Path) -> int | None:
    with suppress(OSError, ValueError, IndexError):
        return int(path.read_text(encoding="ascii").splitlines()[0])
    return None


def _command_line(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="surrogateescape")
    with suppress(OSError):
        # macOS has no /proc. `ww`: the whole line, however long.
        asked = ["/bin/ps", "-ww", "-o", "command=", "-p", str(pid)]
        return subprocess.run(asked, check=False, capture_output=True, text=True).stdout  # noqa: S603  (fixed words)
    return ""
