"""What an installation refuses to start with."""

import socket
from pathlib import Path

import pytest

from conftest import Servers
from spotify_insights.errors import SetupError
from spotify_insights.settings import Settings
from spotify_insights.web.serve import check_doors, serve_api

OPEN = {"auth_mode": "open"}
REQUIRED = {"auth_mode": "required"}


@pytest.mark.parametrize(
    ("changes", "host"),
    [
        (OPEN, "127.0.0.1"),
        (OPEN | {"public_url": "http://[::1]:9000"}, "::1"),
        (REQUIRED, "127.0.0.1"),
        (REQUIRED | {"public_url": "https://insights.example"}, "0.0.0.0"),  # noqa: S104  # nothing is bound
    ],
)
def test_what_is_safe_may_be_served(settings: Settings, changes: dict[str, str], host: str) -> None:
    check_doors(settings.model_copy(update=changes), host)


@pytest.mark.parametrize(
    ("changes", "host", "sentence"),
    [
        (OPEN, "0.0.0.0", "can be reached from others"),  # noqa: S104  # it is refused
        (OPEN, "::", "can be reached from others"),
        (OPEN, "192.0.2.1", "can be reached from others"),
        (OPEN | {"public_url": "https://insights.example"}, "127.0.0.1", "AUTH_MODE is open"),
        (OPEN | {"public_url": "http://localhost:8000"}, "127.0.0.1", "localhost"),
        (REQUIRED | {"public_url": "http://insights.example"}, "0.0.0.0", "needs https"),  # noqa: S104
        (REQUIRED | {"public_url": "https://insights.example/app"}, "127.0.0.1", "PUBLIC_URL"),
    ],
)
def test_what_would_let_others_in_is_told_in_one_sentence(
    settings: Settings, changes: dict[str, str], host: str, sentence: str
) -> None:
    with pytest.raises(SetupError, match=sentence):
        check_doors(settings.model_copy(update=changes), host)


def test_a_socket_that_is_open_to_others_is_refused_whatever_it_is_called(
    migrated: Servers, key_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", migrated.database_url)
    monkeypatch.setenv("REDIS_URL", migrated.redis_url)
    monkeypatch.setenv("TOKEN_KEYS_FILE", str(key_file))
    with (
        socket.create_server(("0.0.0.0", 0)) as listener,  # noqa: S104  # for the blink that this takes
        pytest.raises(SetupError, match="can be reached from others"),
    ):
        serve_api(host="127.0.0.1", port=0, fd=listener.fileno())
