"""The commands of `dev.py`, and what each of them runs."""

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from development.environment import Environment, Needs
from development.failure import DevelopmentError
from development.lock_files import renew_lock_files

ROOT = Path(__file__).resolve().parents[1]

_CHECKS = {
    "format": ("ruff", "format", "--check", "."),
    "lint": ("ruff", "check", "."),
    "types": ("mypy",),
    "architecture": ("lint-imports",),
    "security": ("bandit", "-c", "pyproject.toml", "-r", "src", "-q"),
    "secrets": ("detect-secrets-hook", "--baseline", ".secrets.baseline"),
}
# Code 3: nothing new was found, and the baseline took up that known lines have moved.
_PASSES = {"secrets": (0, 3)}
# What `secrets` reads; the baseline lists what only looks like one. Tests are full of invented secrets, the
# requirements files of hashes: both are left out.
_WITHOUT_SECRETS = ("src", "development", "chaos", "benchmarks", "docs", ".ci")
# Each process has servers of its own, and a file's tests stay together: they share what their file prepares.
# What is given later counts, so `-n 0` runs everything in one process, as a debugger needs it.
_SIDE_BY_SIDE = ("-n", "auto", "--maxprocesses", "4", "--dist", "loadfile")


@dataclass(frozen=True, slots=True)
class Command:
    """A command: its line in the help, and what it does with further arguments; returns the exit code."""

    summary: str
    run: Callable[[Sequence[str]], int]


def main(arguments: Sequence[str]) -> int:
    """Run the command that `arguments` begin with; returns the exit code unless a program takes over."""
    name, *further = arguments or ["--help"]
    if name in {"-h", "--help", "help"}:
        sys.stdout.write(_help())
        return 0
    if name not in COMMANDS:
        sys.stderr.write(f"dev.py has no command {name!r}; there are {', '.join(COMMANDS)}.\n")
        return 2
    try:
        return COMMANDS[name].run(further)
    except DevelopmentError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("\nInterrupted; the next start takes up from here.\n")
        return 130


def _product(command: str) -> Callable[[Sequence[str]], int]:
    def run(further: Sequence[str]) -> int:
        environment = Environment(ROOT)
        environment.prepare(Needs.RUNTIME)
        # -P: a module in the folder where somebody stands must not pass for one of ours.
        return _become(environment.python, "-P", "-m", "spotify_insights", command, *further)

    return run


def _test(further: Sequence[str]) -> int:
    environment = Environment(ROOT)
    environment.prepare(Needs.DEVELOPMENT)
    # Slow tests start whole installations, or measure how long somebody waits: they run one after the other.
    selection = () if "--all" in further else ("-m", "not slow", *_SIDE_BY_SIDE)
    rest = [argument for argument in further if argument != "--all"]
    os.chdir(ROOT)
    return _become(environment.python, "-P", "-m", "pytest", *selection, *rest)


def _chaos(further: Sequence[str]) -> int:
    environment = Environment(ROOT)
    environment.prepare(Needs.DEVELOPMENT)
    # The suite is a folder of the checkout and no part of what is installed.
    os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    return _become(environment.python, "-P", "-m", "chaos", *further)


def _benchmark(further: Sequence[str]) -> int:
    names = sorted(folder.parent.name for folder in (ROOT / "benchmarks").glob("*/__main__.py"))
    if not further or further[0] not in names:
        raise DevelopmentError(f"Name a benchmark: {', '.join(names)}.")
    environment = Environment(ROOT)
    environment.prepare(Needs.DEVELOPMENT)
    os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    return _become(environment.python, "-P", "-m", f"benchmarks.{further[0]}", *further[1:])


def _check(_further: Sequence[str]) -> int:
    environment = Environment(ROOT)
    environment.prepare(Needs.DEVELOPMENT)
    failed = []
    for name, (program, *options) in _CHECKS.items():
        sys.stdout.write(f"{name}: {' '.join((program, *options))}\n")
        sys.stdout.flush()
        files = _published_files() if name == "secrets" else []
        command = [str(environment.python.with_name(program)), *options, *files]
        code = subprocess.run(command, check=False, cwd=ROOT).returncode  # noqa: S603  (from the table above)
        if code not in _PASSES.get(name, (0,)):
            failed.append(name)
    sys.stdout.write(f"Failed: {', '.join(failed)}.\n" if failed else "All checks passed.\n")
    return 1 if failed else 0


def _published_files() -> list[str]:
    inside = (file for folder in _WITHOUT_SECRETS for file in (ROOT / folder).rglob("*"))
    beside = (file for file in ROOT.iterdir() if not file.name.startswith(("requirements", ".secrets")))
    return sorted(
        str(file.relative_to(ROOT))
        for file in (*inside, *beside)
        # Their own settings are nobody else's, and what Python compiled has its source beside it.
        if file.is_file() and file.name != ".env" and "__pycache__" not in file.parts
    )


def _shell(further: Sequence[str]) -> int:
    environment = Environment(ROOT)
    environment.prepare(Needs.RUNTIME)
    return _become(environment.python, *further)


def _lock(further: Sequence[str]) -> int:
    renew_lock_files(ROOT, further)
    return 0


def _become(program: Path, *arguments: str) -> int:
    """Be that program from now on: one process less between a person's Ctrl-C and what it is meant for."""
    sys.stdout.flush()
    os.execv(program, [str(program), *arguments])  # noqa: S606  (no shell is wanted)


COMMANDS = {
    "demo": Command(
        "start everything with a pretend Spotify and a listener full of history", _product("demo")
    ),
    "up": Command("start everything, for your own Spotify app", _product("up")),
    "test": Command("run the tests; --all runs the slow ones too, the rest goes to pytest", _test),
    "chaos": Command("break everything while jobs run, and account for each; --help says more", _chaos),
    "benchmark": Command("measure one thing beside what limits it, as `benchmark import`", _benchmark),
    "check": Command("formatting, lint, types, architecture and secrets", _check),
    "shell": Command("a Python prompt in which the package can be imported", _shell),
    "lock": Command("renew the requirements files with uv; --upgrade takes newer versions", _lock),
}


def _help() -> str:
    lines = "\n".join(f"  {name:<8} {command.summary}" for name, command in COMMANDS.items())
    return (
        f"Usage: python3 dev.py COMMAND [ARGUMENT...]\n\n{lines}\n\n"
        "The first start makes .venv beside dev.py and takes a minute; later ones start at once.\n"
        "Further arguments are handed on: python3 dev.py demo --port 8001\n"
    )
