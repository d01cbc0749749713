"""A backup from before an erasure brings people back; their tombstones send them away again."""

import json
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from conftest import Servers
from full_life import a_full_life, every_row
from jobs_inline import work_off
from leaving import erased
from makers import a_user
from operator_trials import Operator
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
