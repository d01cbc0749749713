"""A key ring that is lost for good: what it takes along, and that everything starts again without it."""

from pathlib import Path

import psycopg
import pytest
from psycopg.rows import dict_row

from conftest import Servers
from makers import a_user
from operator_trials import Operator
from sealed_trials import COLUMN_OF, a_secret_everywhere, sealed_with
from spotify_insights.access.api_keys import ApiKeys
from spotify_insights.access.scopes import Scope
from spotify_insights.audit.trail import AuditTrail
from spotify_insights.database.actor import SYSTEM
from spotify_insights.database.role import DatabaseRole
from spotify_insights.database.upgrade import upgrade_database
from spotify_insights.embedded.servers import running_servers
from spotify_insights.errors import SetupError
from spotify_insights.installation.check_ring import check_ring
from spotify_insights.installation.secrets import SecretName
from spotify_insights.runtime import Runtime
from spotify_insights.security.key_ring import KeyRing
from spotify_insights.settings import Settings

ANEW = ("keys", "begin-anew", "--i-lost-the-ring")


def a_key(runtime: Runtime) -> None:
    """Somebody with an API key."""
    user_id = a_user(runtime)
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        ApiKeys(runtime.installation_secrets).create(
            tx,
            user_id,
            name="radio",
            scopes=frozenset({Scope.INSIGHTS_READ}),
            allowed=frozenset(Scope),
            days=9,
            trail=AuditTrail(runtime.audit, SYSTEM),
        )


def rows(database_url: str, statement: str) -> list[dict[str, object]]:
    with psycopg.connect(database_url, row_factory=dict_row) as connection:
        return connection.execute(statement.encode()).fetchall()


def starts(settings: Settings) -> bool:
    started = Runtime.from_settings(settings, role=DatabaseRole.API)
    try:
        check_ring(started.installation_secrets)
    except SetupError:
        return False
    finally:
        started.close()
    return True


def test_without_its_ring_an_installation_starts_again_and_says_what_is_gone(
    operator: Operator, runtime: Runtime, settings: Settings, ring_file: Path, empty: Servers
) -> None:
    check_ring(runtime.installation_secrets)
    a_secret_everywhere(runtime)
    a_key(runtime)
    lost = KeyRing.from_file(ring_file).primary
    ring_file.unlink()
    assert "keys begin-anew" in operator.type("keys", "generate").err

    done = operator.type(*ANEW)

    assert (done.code, done.err) == (0, "")
    assert done.line_with("Spotify wait").startswith("1 ")
    assert done.line_with("ListenBrainz").startswith("1 ")
    assert done.line_with("API keys").startswith("1 API keys are revoked")
    assert done.line_with("pseudonyms")
    assert starts(settings)
    assert lost not in sealed_with(runtime)
    for table in ("spotify_tokens", "listenbrainz_tokens"):
        assert rows(empty.database_url, f"SELECT status FROM {table}") == [{"status": "reauth_required"}]  # noqa: S608
    assert rows(empty.database_url, "SELECT FROM sign_in_attempts") == []
    assert rows(empty.database_url, "SELECT FROM api_keys WHERE revoked_at IS NULL") == []
    [recorded] = rows(empty.database_url, "SELECT details FROM audit_log WHERE event = 'keys_generated'")
    assert recorded["details"] == {
        "reason": "ring_lost",
        "key_id": KeyRing.from_file(ring_file).primary,
        "rows": 3 + len(SecretName) + 1,
        "keys": 1,
    }


def test_what_the_ring_still_opens_is_left_alone(
    operator: Operator, runtime: Runtime, settings: Settings, ring_file: Path, empty: Servers
) -> None:
    """A key was taken out of the ring too early: only what that one had sealed is given up."""
    check_ring(runtime.installation_secrets)
    a_key(runtime)
    kept = ring_file.read_text()
    operator.type("keys", "generate")
    again = Runtime.from_settings(settings, role=DatabaseRole.WORKER)
    a_secret_everywhere(again)
    again.close()
    ring_file.write_text(kept)

    done = operator.type(*ANEW)

    assert done.line_with("API keys").startswith("0 API keys are revoked and 0 families")
    assert "pseudonyms" not in done.out
    assert len(rows(empty.database_url, "SELECT FROM api_keys WHERE revoked_at IS NULL")) == 1
    assert starts(settings)


def test_a_ring_that_opens_everything_is_told_and_nothing_changes(
    operator: Operator, runtime: Runtime
) -> None:
    a_secret_everywhere(runtime)
    before = sealed_with(runtime)

    refused = operator.type(*ANEW)

    assert refused.code == 1
    assert refused.err.startswith("This key ring opens everything that is stored")
    assert sealed_with(runtime) == before


def test_nobody_does_it_by_mistake(operator: Operator, runtime: Runtime, ring_file: Path) -> None:
    a_secret_everywhere(runtime)
    ring_file.write_text(KeyRing.of_one_new_key().to_json())

    refused = operator.type("keys", "begin-anew")

    assert refused.code == 1
    assert "--i-lost-the-ring" in refused.err
    assert sealed_with(runtime).total() == len(COLUMN_OF)


@pytest.mark.slow
def test_the_database_of_an_up_that_does_not_start_is_started_for_this(
    operator: Operator, tmp_path: Path
) -> None:
    for name in ("DATABASE_URL", "TOKEN_KEYS_FILE"):
        operator.patch.delenv(name)
    data = tmp_path / "up"
    with running_servers(data, durable=False) as servers:
        upgrade_database(servers.database_url)

    refused = operator.type(*ANEW, "--data-dir", str(data))

    assert "opens everything" in refused.err
    with running_servers(data, durable=False):
        assert "is already running" in operator.type(*ANEW, "--data-dir", str(data)).err
