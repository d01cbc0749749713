"""What nobody has a reason to keep goes every day, and nothing else."""

import json

import psycopg
import pytest

from access_trials import a_family
from conftest import Servers
from full_life import a_full_life, every_row
from jobs_inline import job_row, work_off
from makers import a_user
from spotify_insights.access.refresh_tokens import Family, Refused
from spotify_insights.database.actor import SYSTEM
from spotify_insights.jobs.enqueue import enqueue
from spotify_insights.privacy.jobs import PurgeExpiredData
from spotify_insights.runtime import Runtime
from spotify_insights.settings import Settings

OLD = {
    "sessions": "UPDATE sessions SET expires_at = now() - interval '31 days'",
    "refresh_tokens": "UPDATE sessions SET revoked_at = now() - interval '31 days'",
    "api_keys": "UPDATE api_keys SET revoked_at = now() - interval '31 days'",
    "one_time_links": "UPDATE one_time_links SET expires_at = now() - interval '31 days'",
    "sign_in_attempts": "UPDATE sign_in_attempts SET expires_at = now() - interval '2 days'",
    "stored_files": "UPDATE stored_files SET expires_at = now() - interval '1 minute'",
    "stored_file_chunks": "UPDATE stored_files SET expires_at = now() - interval '1 minute'",
    "daily_usage": "UPDATE daily_usage SET day = now() - interval '91 days'",
}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"plays_retention_days": 30})


def purged(runtime: Runtime) -> dict[str, object]:
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        job_id = enqueue(tx, PurgeExpiredData())
    work_off(runtime)
    job = job_row(runtime.database, job_id)
    assert (job.status, job.error) == ("succeeded", None)
    return dict(job.result or {})


@pytest.mark.parametrize("table", OLD)
def test_what_is_long_over_goes(runtime: Runtime, empty: Servers, table: str) -> None:
    a_full_life(empty)
    change(empty, OLD[table])
    purged(runtime)
    assert [row for row in every_row(empty)[table] if "invitation" not in row] == []


def test_what_is_not_over_stays_and_once_more_changes_nothing(runtime: Runtime, empty: Servers) -> None:
    life = a_full_life(empty)
    before = every_row(empty, where=("theirs", life.user_id))
    result = purged(runtime)
    assert set(result.values()) == {0}
    assert every_row(empty, where=("theirs", life.user_id)) == before


def test_a_used_token_shows_a_theft_as_long_as_its_family_lives(runtime: Runtime, empty: Servers) -> None:
    stolen = a_family(runtime, a_user(runtime)).refresh_token.get_secret_value()

    def used() -> Family | Refused:
        with runtime.database.transaction(acting_for=SYSTEM) as tx:
            return runtime.refresh_tokens.rotate(tx, stolen)

    assert isinstance(used(), Family)
    change(
        empty,
        "UPDATE refresh_tokens SET used_at = used_at - interval '100 days',"
        " expires_at = expires_at - interval '100 days' WHERE used_at IS NOT NULL",
    )
    purged(runtime)
    again = used()
    assert isinstance(again, Refused)
    assert again.reuse


def test_plays_go_only_after_the_days_that_an_operator_set(runtime: Runtime, empty: Servers) -> None:
    life = a_full_life(empty)
    change(empty, "UPDATE plays SET ended_at = ended_at - interval '31 days' WHERE source = 'spotify_export'")
    purged(runtime)
    kept = [json.loads(row)["source"] for row in every_row(empty, where=("theirs", life.user_id))["plays"]]
    assert (len(kept), set(kept)) == (8, {"spotify_api"})


def test_old_records_of_the_audit_log_go_and_younger_ones_stay(runtime: Runtime, empty: Servers) -> None:
    add = (
        "INSERT INTO audit_log (id, event, actor_role, at)"
        " VALUES (gen_random_uuid(), %s, 'system', now() - %s::interval)"
    )
    with psycopg.connect(empty.database_url) as connection:
        connection.execute(add, ["sign_in", "366 days"])
        connection.execute(add, ["sign_out", "364 days"])
    assert purged(runtime)["audit_log"] == 1
    assert [json.loads(row)["event"] for row in every_row(empty)["audit_log"]] == ["sign_out"]


def test_an_erasure_whose_job_gave_up_is_taken_up_again(runtime: Runtime, empty: Servers) -> None:
    user_id = a_user(runtime)
    with psycopg.connect(empty.database_url) as connection:
        connection.execute("UPDATE users SET erasing_since = now() WHERE id = %s", [user_id])
        connection.execute(
            "INSERT INTO erasures (id, user_id, user_hash) VALUES (gen_random_uuid(), %s, 'hash')", [user_id]
        )
    assert purged(runtime)["unfinished_erasures"] == 1
    assert every_row(empty)["users"] == []


def change(empty: Servers, statement: str) -> None:
    with psycopg.connect(empty.database_url) as connection:
        connection.execute(statement.encode())
