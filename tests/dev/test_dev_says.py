import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from trial_checkout import REAL

DEV = REAL / "dev.py"


def old_pythons() -> list[str]:
    """Interpreters on this machine that are too old: installed by pyenv, else on the PATH."""
    pyenv = Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser() / "versions"
    names = ["python2.7", *(f"python3.{minor}" for minor in range(6, 11))]
    readable = pyenv.glob("*/bin/python") if os.access(pyenv, os.R_OK | os.X_OK) else ()
    installed = [str(path) for path in sorted(readable) if is_old(path.parents[1].name)]
    return installed or list(filter(None, map(shutil.which, names)))


def is_old(version: str) -> bool:
    numbers = version.split(".")[:2]
    return all(map(str.isdigit, numbers)) and (2, 7) <= tuple(map(int, numbers)) < (3, 11)


@pytest.mark.parametrize("python", old_pythons())
def test_an_old_python_says_which_one_is_needed(python: str) -> None:
    asked = "import sys; sys.stdout.write('.'.join(map(str, sys.version_info[:3])))"
    version = subprocess.run([python, "-c", asked], check=False, capture_output=True, text=True)  # noqa: S603
    if version.returncode != 0:
        pytest.skip("it only looks like a Python")
    finished = subprocess.run(  # noqa: S603  (an interpreter of this machine)
        [python, str(DEV), "demo", "--port", "8001"], check=False, capture_output=True, text=True
    )
    assert finished.returncode == 1
    assert finished.stdout == ""
    assert finished.stderr == (
        f"dev.py needs Python 3.11 or newer, this is {version.stdout}; "
        f"run it with a newer one, as in python3.12 {DEV} demo --port 8001\n"
    )


def test_the_first_file_keeps_to_words_that_every_python_knows() -> None:
    tree = ast.parse(DEV.read_text(), feature_version=(3, 4))
    newer_than_python_2 = (ast.JoinedStr, ast.AnnAssign, ast.AsyncFunctionDef, ast.FunctionDef, ast.NamedExpr)
    assert not [node for node in ast.walk(tree) if isinstance(node, newer_than_python_2)]


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"], ["help"]])
def test_the_commands_are_listed(arguments: list[str]) -> None:
    finished = subprocess.run(  # noqa: S603  (our own program)
        [sys.executable, str(DEV), *arguments], check=False, capture_output=True, text=True, cwd="/"
    )
    assert finished.returncode == 0
    listed = [line.split()[0] for line in finished.stdout.splitlines() if line.startswith("  ")]
    assert listed == ["demo", "up", "test", "chaos", "benchmark", "check", "shell", "lock"]


def test_an_unknown_command_is_told() -> None:
    finished = subprocess.run(  # noqa: S603  (our own program)
        [sys.executable, str(DEV), "demonstrate"], check=False, capture_output=True, text=True
    )
    assert finished.returncode == 2
    assert finished.stderr == (
        "dev.py has no command 'demonstrate'; "
        "there are demo, up, test, chaos, benchmark, check, shell, lock.\n"
    )
