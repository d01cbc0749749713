import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import Servers
from operator_trials import Operator


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
    # Commands set up the logs of their process, which is the test's here.
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield Operator(capsys, monkeypatch, tmp_path)
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def operator(empty: Servers, anybody: Operator) -> Operator:
    """Somebody at a shell whose DATABASE_URL names the tests' database."""
    anybody.patch.setenv("DATABASE_URL", empty.database_url)
    return anybody
