"""A backup from before an erasure brings people back; their tombstones send them away again."""

import json
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from access_trials import a_service, an_admin
from conftest import Servers
from full_life import a_full_life, every_row
from jobs_inline import work_off
from leaving import erased
from makers import a_user
from operator_trials import Operator
from spotify_insights.accounts.register import Identity, register_user
from spotify_insights.database.actor import SYSTEM
from spotify_insights.runtime import Runtime
from untouched_logging import untouched_logging


@pytest.fixture
def operator(
    empty: Servers,
    key_file: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Iterator[Operator]:
    """Somebody at a shell who has set DATABASE_URL and TOKEN_KEYS_FILE."""
    monkeypatch.delenv("TOKEN_KEYS", raising=False)
    monkeypatch.setenv("DATABASE_URL", empty.database_url)
    monkeypatch.setenv("TOKEN_KEYS_FILE", str(key_file))
    monkeypatch.chdir(tmp_path)
    with untouched_logging():
        yield Operator(capsys, monkeypatch, tmp_path)


def test_whom_a_backup_brings_back_is_erased_again(
    runtime: Runtime, empty: Servers, operator: Operator
) -> None:
    life, other = a_full_life(empty), a_user(runtime)
    erased(runtime, life.user_id)
    kept = operator.type("erasures", "list", "--json")
    (operator.folder / "kept.json").write_text(kept.out)
    with psycopg.connect(empty.database_url) as backup:
        backup.execute("DELETE FROM erasures")
        backup.execute("INSERT INTO users (id, display_name) VALUES (%s, 'Back')", [life.user_id])

    answer = operator.type("erasures", "reapply", "kept.json")

    assert (answer.code, answer.err) == (0, "")
    assert answer.lines == ["1 erasures read; 1 users were back and are being erased again."]
    work_off(runtime)
    rows = every_row(empty)
    assert [json.loads(row)["id"] for row in rows["users"]] == [str(other)]
    assert not any(str(life.user_id) in row for table in rows.values() for row in table)
    again = operator.type("erasures", "reapply", "kept.json")
    assert again.lines == ["1 erasures read; 0 users were back and are being erased again."]


def test_tombstones_that_a_backup_forgot_are_there_again(
    runtime: Runtime, empty: Servers, operator: Operator
) -> None:
    life = a_full_life(empty)
    erased(runtime, life.user_id)
    kept = operator.type("erasures", "list", "--json")
    (operator.folder / "kept.json").write_text(kept.out)
    with psycopg.connect(empty.database_url) as backup:
        backup.execute("DELETE FROM erasures")
    operator.type("erasures", "reapply", "kept.json")
    assert operator.type("erasures", "list", "--json").document == kept.document
    assert kept.document[0]["user_hash"] == runtime.audit.pseudonym(life.user_id)


def test_a_service_goes_after_its_users_and_keeps_nobody_else_from_going(
    runtime: Runtime, empty: Servers, operator: Operator
) -> None:
    service = a_service(runtime)
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        identity = Identity(provider="spotify", provider_user_id="customer")
        customer = register_user(tx, identity, registered_by=service).user_id
    leaving = [customer, service, a_user(runtime)]
    other = a_user(runtime)
    for user_id in leaving:
        erased(runtime, user_id)
    kept = operator.type("erasures", "list", "--json")
    (operator.folder / "kept.json").write_text(kept.out)
    with psycopg.connect(empty.database_url) as backup:
        backup.execute("DELETE FROM erasures")
        for user_id in sorted(leaving):
            backup.execute("INSERT INTO users (id) VALUES (%s)", [user_id])
        backup.execute("UPDATE users SET role = 'service' WHERE id = %s", [service])
        backup.execute("UPDATE users SET registered_by = %s WHERE id = %s", [service, customer])

    first = operator.type("erasures", "reapply", "kept.json")

    assert (first.code, first.lines) == (
        1,
        ["3 erasures read; 2 users were back and are being erased again."],
    )
    reason, advice = first.err.splitlines()
    assert (str(service) in reason, "still being erased" in reason) == (True, True)
    assert "run this again" in advice
    hashes = {row["user_hash"] for row in operator.type("erasures", "list", "--json").document}
    assert hashes == {row["user_hash"] for row in kept.document}
    work_off(runtime)
    second = operator.type("erasures", "reapply", "kept.json")
    assert (second.code, second.err) == (0, "")
    work_off(runtime)
    assert [json.loads(row)["id"] for row in every_row(empty)["users"]] == [str(other)]


def test_the_only_admin_of_a_backup_goes_and_the_operator_makes_another(
    runtime: Runtime, empty: Servers, operator: Operator
) -> None:
    admin, later_admin = an_admin(runtime), an_admin(runtime)
    identities = every_row(empty, where=("theirs", admin))["user_identities"]
    erased(runtime, admin)
    (operator.folder / "kept.json").write_text(operator.type("erasures", "list", "--json").out)
    with psycopg.connect(empty.database_url) as backup:
        backup.execute("DELETE FROM erasures")
        backup.execute("UPDATE users SET role = 'user'")
        backup.execute("INSERT INTO users (id, role) VALUES (%s, 'admin')", [admin])
        backup.execute(
            "INSERT INTO user_identities SELECT * FROM json_populate_record(NULL::user_identities, %s)",
            identities,
        )

    answer = operator.type("erasures", "reapply", "kept.json")

    assert (answer.code, answer.err) == (0, "")
    assert "`spotify-insights accounts setup-link`" in answer.lines[1]
    assert "/setup?token=" in operator.type("accounts", "setup-link").out
    work_off(runtime)
    assert [json.loads(row)["id"] for row in every_row(empty)["users"]] == [str(later_admin)]
    assert len(operator.type("erasures", "reapply", "kept.json").lines) == 1


def test_another_file_is_refused_in_one_sentence(operator: Operator) -> None:
    (operator.folder / "letter.txt").write_text("Dear operator")
    answer = operator.type("erasures", "reapply", "letter.txt")
    assert (answer.code, answer.out) == (1, "")
    assert answer.err == (
        "This file is not a list of erasures. Make one with `spotify-insights erasures list --json`.\n"
    )
    assert operator.type("erasures", "reapply", "nowhere.json").code == 1


def test_an_installation_without_erasures_says_so(operator: Operator) -> None:
    assert operator.type("erasures", "list").lines == ["Nobody was erased."]
    assert operator.type("erasures", "list", "--json").document == []
