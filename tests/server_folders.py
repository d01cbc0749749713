"""Data folders for tests of embedded servers; a plugin that such a test module names in `pytest_plugins`."""

import os
import shutil
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest

from spotify_insights.embedded.servers import running_servers
from spotify_insights.embedded.unprivileged import in_user_namespace


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with a fresh database, at rest; copy it, do not use it."""
    folder = tmp_path_factory.mktemp("made-once") / "data"
    with running_servers(folder, durable=False):
        pass
    return folder


@pytest.fixture
def folder(made_once: Path, tmp_path: Path) -> Path:
    """A data folder of the test's own that need not make a database first."""
    return Path(shutil.copytree(made_once, tmp_path / "data"))


@pytest.fixture
def only_root() -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody else")


@pytest.fixture
def with_namespaces() -> None:
    if os.geteuid() == 0 and not in_user_namespace().reaches([]):
        pytest.skip("this system forbids user namespaces")


@pytest.fixture
def reachable() -> Generator[Path]:
    """An empty folder that every user of the machine can pass through, unlike pytest's own."""
    with tempfile.TemporaryDirectory(prefix="reachable-") as made:
        Path(made).chmod(0o755)
        yield Path(made)
