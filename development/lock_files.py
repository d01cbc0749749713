"""Renewing the requirements files: exact versions and hashes for every platform, and no addresses."""

import shutil
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

from development.failure import DevelopmentError

_FORM = (
    *("--universal", "--python-version", "3.11", "--generate-hashes"),
    *("--no-emit-index-url", "--no-annotate", "--no-header", "--quiet"),
)


def renew_lock_files(root: Path, options: Sequence[str]) -> None:
    """Write the three requirements files from `pyproject.toml`, with further `options` for uv.

    Versions that are there already stay unless `options` say otherwise. Raises DevelopmentError if uv is
    missing or finds no solution.
    """
    uv = shutil.which("uv")
    if uv is None:
        raise DevelopmentError("dev.py lock needs uv on the PATH; install it with pipx install uv.")
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    embedded = "\n".join(project["optional-dependencies"]["embedded"])
    within = ("-c", "requirements.txt")
    for target, sources, given in (
        ("requirements.txt", ("pyproject.toml", "--group", "build"), ""),
        ("requirements-dev.txt", ("pyproject.toml", "--group", "dev", "--group", "build", *within), ""),
        ("requirements-embedded.txt", ("-", *within), embedded),
    ):
        command = [uv, "pip", "compile", *sources, *_FORM, "--output-file", target, *options]
        finished = subprocess.run(  # noqa: S603  (from the table above and the person at the keyboard)
            command, check=False, cwd=root, input=given, text=True, stdout=subprocess.DEVNULL
        )
        if finished.returncode != 0:
            raise DevelopmentError(f"uv could not write {target}; what it says above is the reason.")
        sys.stdout.write(f"wrote {target}\n")
