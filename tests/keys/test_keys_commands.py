"""`spotify-insights keys`: from the first key to the last, and what is refused on the way."""

import json
import stat
from pathlib import Path

import psycopg
import pytest

from conftest import Servers
from operator_trials import Operator
from sealed_trials import COLUMN_OF, a_secret_everywhere, changed_long_ago, opened, sealed_with
from spotify_insights.runtime import Runtime
from spotify_insights.security.key_ring import KeyRing


def keys_of(path: Path) -> list[str]:
    return list(KeyRing.from_file(path).keys)


def test_a_whole_life_of_two_keys(operator: Operator, runtime: Runtime, ring_file: Path) -> None:
    secrets = a_secret_everywhere(runtime)
    [old] = keys_of(ring_file)

    assert operator.type("keys", "generate").code == 0
    changed_long_ago(ring_file)
    new, _ = keys_of(ring_file)
    refused = operator.type("keys", "retire", old)
    rotated = operator.type("keys", "rotate")

    assert (refused.code, rotated.code) == (1, 0)
    assert f"{old} still seals stored secrets: 1 in spotify_tokens.sealed_access_token" in refused.err
    assert rotated.lines[-1] == f"{len(secrets)} sealed anew with {new}; 0 left on other keys."
    assert set(sealed_with(runtime)) == {new}
    assert operator.type("keys", "status").line_with(old).split()[1:3] == ["can", "be"]

    retired = operator.type("keys", "retire", old)

    assert (retired.code, keys_of(ring_file)) == (0, [new])
    assert {name: [*opened(runtime, COLUMN_OF[name]).values()] for name in secrets} == {
        name: [secret] for name, secret in secrets.items()
    }


def test_status_says_for_programs_what_each_key_has_sealed(
    operator: Operator, runtime: Runtime, ring_file: Path
) -> None:
    a_secret_everywhere(runtime)
    [old] = keys_of(ring_file)
    operator.type("keys", "generate")
    new = keys_of(ring_file)[0]

    status = operator.type("keys", "status", "--json").document

    assert status["primary"] == new
    by_id = {key["key_id"]: key for key in status["keys"]}
    assert by_id[new] == {"key_id": new, "state": "primary", "sealed": 0, "places": {}}
    assert (by_id[old]["state"], by_id[old]["sealed"]) == ("needed", len(COLUMN_OF))
    assert by_id[old]["places"] == dict.fromkeys(COLUMN_OF, 1)


def test_a_key_that_stored_values_need_and_the_ring_lacks_is_named(
    operator: Operator, runtime: Runtime, ring_file: Path
) -> None:
    a_secret_everywhere(runtime)
    [lost] = keys_of(ring_file)
    ring_file.write_text(KeyRing.of_one_new_key().to_json())
    changed_long_ago(ring_file)
    [other] = keys_of(ring_file)

    assert operator.type("keys", "status").line_with(lost).split()[1] == "missing"
    rotated = operator.type("keys", "rotate")

    assert rotated.code == 1
    assert rotated.lines[-1] == f"0 sealed anew with {other}; {len(COLUMN_OF)} left on other keys."
    assert "1 in listenbrainz_tokens.sealed_user_token cannot be opened" in rotated.err


def test_a_secondary_key_opens_only_until_it_is_promoted(operator: Operator, ring_file: Path) -> None:
    [old] = keys_of(ring_file)

    assert operator.type("keys", "generate", "--secondary").code == 0
    first, new = keys_of(ring_file)
    assert first == old
    assert operator.type("keys", "promote", new).code == 0

    assert keys_of(ring_file) == [new, old]
    assert operator.type("keys", "promote", "k0").err == (
        f"The key ring has no key k0. Its keys are {new}, {old}.\n"
    )


def test_the_primary_key_and_unknown_ones_are_not_retired(operator: Operator, ring_file: Path) -> None:
    [only] = keys_of(ring_file)

    primary, unknown = operator.type("keys", "retire", only), operator.type("keys", "retire", "k0")

    assert (primary.code, unknown.code) == (1, 1)
    assert primary.err.startswith(f"{only} is the primary key")
    assert unknown.err.startswith("The key ring has no key k0.")
    assert keys_of(ring_file) == [only]


def test_a_new_installation_gets_its_file_and_a_lost_one_is_not_replaced(
    operator: Operator, runtime: Runtime, ring_file: Path
) -> None:
    ring_file.unlink()
    assert operator.type("keys", "generate").code == 0
    assert stat.S_IMODE(ring_file.stat().st_mode) == 0o600

    a_secret_everywhere(runtime)
    ring_file.unlink()
    refused = operator.type("keys", "generate")

    assert refused.code == 1
    assert "Restore the file from your backup" in refused.err
    assert not ring_file.exists()


def test_without_any_setting_the_keys_are_those_of_up(operator: Operator, tmp_path: Path) -> None:
    for name in ("DATABASE_URL", "TOKEN_KEYS_FILE"):
        operator.patch.delenv(name)

    assert operator.type("keys", "generate", "--data-dir", str(tmp_path)).code == 0

    assert len(keys_of(tmp_path / "keys.json")) == 2


def test_a_database_without_a_word_about_its_keys_is_asked_back(operator: Operator) -> None:
    operator.patch.delenv("TOKEN_KEYS_FILE")

    assert operator.type("keys", "status").err.startswith("DATABASE_URL is set, and nothing says where")


def test_create_writes_a_file_once(operator: Operator, tmp_path: Path) -> None:
    path = tmp_path / "another.json"

    assert operator.type("keys", "create", str(path)).out.startswith(f"Wrote {path}.")
    assert operator.type("keys", "create", str(path)).out == f"{path} exists.\n"


def test_a_ring_of_the_environment_is_printed_as_it_should_become(
    operator: Operator, runtime: Runtime, ring_file: Path
) -> None:
    a_secret_everywhere(runtime)
    ring = KeyRing.from_file(ring_file)
    operator.patch.delenv("TOKEN_KEYS_FILE")
    operator.patch.setenv("TOKEN_KEYS", ring.to_json())

    added = operator.type("keys", "generate", "--secondary")
    first, new = json.loads(added.out)
    assert first == ring.primary
    operator.patch.setenv("TOKEN_KEYS", added.out)
    operator.patch.setenv("TOKEN_KEYS", operator.type("keys", "promote", new).out)
    rotated = operator.type("keys", "rotate")
    retired = operator.type("keys", "retire", ring.primary)

    assert rotated.code == 0
    assert set(sealed_with(runtime)) == {new}
    assert list(json.loads(retired.out)) == [new]
    assert "restart every process" in added.err
    assert "restart every process" in retired.err
    assert json.loads(added.out)[new] not in added.err + rotated.out + rotated.err + retired.err


def test_two_rings_at_once_are_refused(operator: Operator, ring_file: Path) -> None:
    operator.patch.setenv("TOKEN_KEYS", KeyRing.from_file(ring_file).to_json())

    assert operator.type("keys", "rotate").err == (
        "TOKEN_KEYS_FILE and TOKEN_KEYS are both set; leave one of them out.\n"
    )


@pytest.mark.parametrize("command", [["generate"], ["retire", "k0"], ["rotate"], ["status"]])
def test_a_damaged_file_is_told_and_left_alone(
    operator: Operator, ring_file: Path, command: list[str]
) -> None:
    damaged = ring_file.read_text()[:-3]
    ring_file.write_text(damaged)

    refused = operator.type("keys", *command)

    assert refused.code == 1
    assert refused.err == f"The key file {ring_file} is not a key ring. Restore it from your backup.\n"
    assert ring_file.read_text() == damaged


def test_every_change_of_the_keys_is_in_the_audit_log(
    operator: Operator, runtime: Runtime, empty: Servers, ring_file: Path
) -> None:
    a_secret_everywhere(runtime)
    [old] = keys_of(ring_file)
    operator.type("keys", "generate", "--secondary")
    operator.type("keys", "promote", keys_of(ring_file)[-1])
    changed_long_ago(ring_file)
    operator.type("keys", "rotate")
    operator.type("keys", "retire", old)

    with psycopg.connect(empty.database_url) as connection:
        connection.execute("SELECT set_config('app.actor_role', 'migration', false)")
        recorded = connection.execute(
            "SELECT event, actor_role, details FROM audit_log ORDER BY id"
        ).fetchall()

    [new] = keys_of(ring_file)
    assert recorded == [
        ("keys_generated", "admin", {"key_id": new}),
        ("keys_promoted", "admin", {"key_id": new}),
        ("keys_rotated", "admin", {"to_key": new, "rows": len(COLUMN_OF), "remaining": 0}),
        ("keys_retired", "admin", {"key_id": old}),
    ]


@pytest.mark.parametrize(
    "command", [["keys", "status"], ["keys", "rotate"], ["accounts", "create-service", "radio"]]
)
def test_where_no_database_runs_no_key_file_is_missed(operator: Operator, command: list[str]) -> None:
    for name in ("DATABASE_URL", "TOKEN_KEYS_FILE"):
        operator.patch.delenv(name)

    refused = operator.type(*command, "--demo")

    assert refused.code == 1
    assert refused.err.startswith("No database runs with the data folder ")
    assert "key" not in refused.err


def test_a_file_that_is_missing_beside_a_database_is_told(operator: Operator, ring_file: Path) -> None:
    ring_file.unlink()

    assert operator.type("keys", "status").err.startswith(f"The key file {ring_file} does not exist.")
