from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import Servers
from operator_trials import Operator
from untouched_logging import untouched_logging


@pytest.fixture
def anybody(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Operator]:
    """Somebody at a shell who has set nothing."""
    for name in ("DATABASE_URL", "REDIS_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    with untouched_logging():
        yield Operator(capsys, monkeypatch, tmp_path)


@pytest.fixture
def operator(empty: Servers, anybody: Operator) -> Operator:
    """Somebody at a shell whose DATABASE_URL names the tests' database."""
    anybody.patch.setenv("DATABASE_URL", empty.database_url)
    return anybody
