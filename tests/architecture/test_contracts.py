"""The layer rules hold, and each of them really refuses what it is there to refuse."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = Path("src/spotify_insights")

VIOLATIONS = {
    "a framework in a feature": ("listening/request.py", "import fastapi"),
    "a feature that looks up": ("accounts/profile.py", "import spotify_insights.listening.snapshot"),
    "a door that opens another door": ("web/accepted.py", "import spotify_insights.worker.tasks"),
    "the command line importing a door": ("cli/main.py", "import spotify_insights.web.app"),
    "somebody else's tables": ("insights/request.py", "import spotify_insights.listening.models"),
    "I/O in a module that thinks": ("insights/brief.py", "import sqlalchemy"),
    "an event loop in the core": ("listening/ingest.py", "import asyncio"),
    "an integration that knows the database": (
        "spotify/scopes.py",
        "import spotify_insights.database.actor",
    ),
    "an import cycle": ("listening/time_range.py", "import spotify_insights.listening.snapshot"),
    "a pretend Spotify that shares our code": (
        "pretend_spotify/config.py",
        "import spotify_insights.spotify.scopes",
    ),
    "a new top-level package without a place": ("utils/__init__.py", '"""A drawer."""'),
}


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603  # our own tool on our own files
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=folder,
        env={"PYTHONPATH": str(folder / "src"), "PATH": "", "COLUMNS": "200"},
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )


def copied_to(folder: Path) -> Path:
    shutil.copytree(ROOT / PACKAGE, folder / PACKAGE, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def test_the_code_keeps_every_contract() -> None:
    result = lint(ROOT)
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    assert f"{len(contracts)} kept, 0 broken" in result.stdout, result.stdout


@pytest.mark.parametrize("name", VIOLATIONS)
def test_the_contracts_refuse(name: str, tmp_path: Path) -> None:
    file, line = VIOLATIONS[name]
    copy = copied_to(tmp_path)
    target = copy / PACKAGE / file
    target.parent.mkdir(exist_ok=True)
    before = target.read_text() if target.exists() else ""
    target.write_text(f"{before}\n{line}\n")
    result = lint(copy)
    assert result.returncode != 0, f"{name} went unnoticed"
    assert "BROKEN" in result.stdout or "missing layers" in (result.stdout + result.stderr).lower()
