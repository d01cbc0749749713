from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import Servers
from operator_trials import Operator
from spotify_insights.security.key_file import create_key_file
from spotify_insights.settings import Settings
from untouched_logging import untouched_logging


@pytest.fixture
def ring_file(tmp_path: Path) -> Path:
    """A key file that the test may change."""
    path = tmp_path / "keys.json"
    create_key_file(path)
    return path


@pytest.fixture
def settings(settings: Settings, ring_file: Path) -> Settings:
    """Those of all tests, with a ring of our own."""
    return settings.model_copy(update={"token_keys_file": ring_file})


@pytest.fixture
def operator(
    empty: Servers,
    ring_file: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Iterator[Operator]:
    """Somebody at a shell who has set DATABASE_URL and TOKEN_KEYS_FILE."""
    monkeypatch.delenv("TOKEN_KEYS", raising=False)
    monkeypatch.setenv("DATABASE_URL", empty.database_url)
    monkeypatch.setenv("TOKEN_KEYS_FILE", str(ring_file))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    monkeypatch.chdir(tmp_path)
    with untouched_logging():
        yield Operator(capsys, monkeypatch, tmp_path)
