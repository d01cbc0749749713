"""pip in the virtual environment, with its many words brought down to the one line that matters."""

import os
import re
import subprocess
from pathlib import Path

from development.failure import DevelopmentError


class PlatformError(DevelopmentError):
    """A package does not exist for this platform or this version of Python."""


class Pip:
    """pip of the environment whose interpreter is `python`, for the checkout at `root`.

    It keeps the open file `lock` for itself too: should we be killed, it is still pip's turn.
    """

    def __init__(self, python: Path, root: Path, *, lock: int) -> None:
        self._python = python
        self._root = root
        self._lock = lock

    def install_locked(self, *files: str, only_wheels: bool = False) -> None:
        """Install what requirements files name, if it has the hashes they state.

        Raises PlatformError if `only_wheels` and there is none, DevelopmentError for every other failure.
        """
        listed = [option for name in files for option in ("--requirement", name)]
        self._install("--require-hashes", *listed, *(["--only-binary=:all:"] if only_wheels else []))

    def install_editable(self) -> None:
        """Install the checkout itself, by reference, with the build backend that the lock files brought."""
        self._install("--no-deps", "--no-build-isolation", "--editable", ".")

    def _install(self, *options: str) -> None:
        finished = subprocess.run(  # noqa: S603  (our own command line)
            # -I: a PYTHONPATH or a user's own site-packages must not decide what is installed here.
            [
                *(self._python, "-I", "-m", "pip", "--quiet", "--no-input", "--disable-pip-version-check"),
                *("--retries", "2", "install", *options),
            ],
            check=False,
            cwd=self._root,
            env={**os.environ, "PIP_USER": "0"},
            pass_fds=[self._lock],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        if finished.returncode != 0:
            raise failure_in(finished.stdout)


def failure_in(output: str) -> DevelopmentError:
    """What pip's output says about the reason of its failure."""
    unreachable = re.findall(r"connection broken by '(.*)': ", output)
    if unreachable:
        # The reason stands at the end of an exception's text, within brackets and quotes.
        reason = unreachable[-1].rstrip(")'\"").rpartition(": ")[2]
        return DevelopmentError(
            f"The packages could not be downloaded ({reason}); check the network and start again."
        )
    missing = re.search(r"No matching distribution found for (\S+)", output)
    if missing:
        return PlatformError(
            f"{missing[1]} does not exist for this platform or this version of Python; try another Python."
        )
    return DevelopmentError(f"The packages could not be installed: {_last_meaningful_line(output)}")


def _last_meaningful_line(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if any(map(str.isalpha, line))]
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    return (errors or lines or ["pip gave no reason."])[-1]
