from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from access_trials import a_session, an_admin, an_api_key, bearer, cookie_header, key_id_of
from conftest import Servers
from makers import a_user
from operator_trials import Operator
from spotify_insights.runtime import Runtime
from spotify_insights.settings import Settings
from untouched_logging import untouched_logging


@pytest.fixture
def operator(
    empty: Servers,
    key_file: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Operator]:
    """Somebody at a shell with the settings of the service."""
    monkeypatch.setenv("DATABASE_URL", empty.database_url)
    monkeypatch.setenv("TOKEN_KEYS_FILE", str(key_file))
    monkeypatch.chdir(tmp_path)
    with untouched_logging():
        yield Operator(capsys, monkeypatch, tmp_path)


def test_the_operator_makes_a_service_whose_key_works(
    operator: Operator, runtime: Runtime, settings: Settings, required_client: TestClient
) -> None:
    said = operator.type("accounts", "create-service", "Fitness app")
    (key,) = said.lines
    registered = required_client.post(
        "/api/users/register", json={"spotify_user_id": "spotify_abc"}, headers=bearer(key)
    )
    admin = cookie_header(settings, a_session(runtime, an_admin(runtime)))
    recorded = required_client.get("/api/admin/audit", headers=admin).json()

    assert said.code == 0
    assert "Fitness app" in said.err
    assert key not in said.err
    assert registered.status_code == 201
    assert {"account_created", "key_created"} <= {record["event"] for record in recorded}


def test_the_operator_makes_a_key_and_revokes_it(
    operator: Operator, runtime: Runtime, required_client: TestClient
) -> None:
    user_id = a_user(runtime)
    (key,) = operator.type("accounts", "create-key", "--user", str(user_id), "--scope", "profile:read").lines
    before = required_client.get(f"/api/users/{user_id}", headers=bearer(key)).status_code
    operator.type("accounts", "revoke-key", key_id_of(key))

    assert before == 200
    assert required_client.get(f"/api/users/{user_id}", headers=bearer(key)).status_code == 401


def test_the_operator_gives_nobody_more_than_their_role(operator: Operator, runtime: Runtime) -> None:
    said = operator.type("accounts", "create-key", "--user", str(a_user(runtime)), "--scope", "admin:read")

    assert (said.code, said.out) == (1, "")
    assert "admin:read" in said.err


def test_a_key_that_is_not_there_cannot_be_revoked(operator: Operator, runtime: Runtime) -> None:
    an_api_key(runtime, a_user(runtime))
    said = operator.type("accounts", "revoke-key", "A1b2C3d4E5f6")

    assert (said.code, said.err) == (1, "There is no such key.\n")
