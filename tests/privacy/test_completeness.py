"""Neither the export nor erasing forgets anything about a person: the database itself says what there is."""

import json
from collections.abc import Mapping
from typing import Any, Final

import jsonschema_rs
import pytest

from conftest import Servers
from full_life import (
    REFERENCES,
    Life,
    a_full_life,
    columns_of,
    every_row,
    everything_in_redis,
    owner_columns,
)
from jobs_inline import job_row, work_off
from leaving import erased, killed_before, make_due
from spotify_insights.audit.event import AuditEvent
from spotify_insights.database.actor import SYSTEM, Actor
from spotify_insights.privacy.inventory import INVENTORY
from spotify_insights.privacy.tombstones import tombstones
from spotify_insights.runtime import Runtime
from stored_exports import exported

_BY_NAME: Final = {table.name: table for table in INVENTORY}


def test_every_column_that_names_a_person_is_known(migrated: Servers) -> None:
    """A new table with an owner has to be declared, and filled by `a_full_life`."""
    declared = {
        (table.name, owner) for table in INVENTORY for owner in table.owners if not table.by_pseudonym
    }
    assert owner_columns(migrated) == declared | set(REFERENCES)


def test_every_column_of_their_tables_is_given_or_withheld_for_a_reason(migrated: Servers) -> None:
    for name, table in _BY_NAME.items():
        columns = columns_of(migrated, name)
        withheld = columns if "*" in table.withheld else set(table.withheld)
        assert set(table.given) | withheld == columns, name
        assert set(table.given).isdisjoint(withheld), name
        assert all(reason.endswith((".", ";")) and len(reason) > 15 for reason in table.withheld.values())
        assert (table.topic is None) == ("*" in table.withheld)


def test_a_full_life_has_a_row_in_every_table_with_an_owner(empty: Servers) -> None:
    life = a_full_life(empty)
    rows = every_row(empty)
    for table, column in owner_columns(empty) - set(REFERENCES) - {("erasures", "user_id")}:
        owned = [row for row in rows[table] if json.loads(row)[column] == str(life.user_id)]
        assert owned, f"a_full_life puts nothing into {table}"


def test_an_export_has_all_of_it_and_nothing_of_anybody_else(runtime: Runtime, empty: Servers) -> None:
    life, other = a_full_life(empty), a_full_life(empty)
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        actor = Actor.listener(life.user_id)
        runtime.audit.record(tx, AuditEvent.KEY_CREATED, actor=actor, subject=life.user_id)

    files = exported(runtime, life.user_id)

    schema = json.loads(files.pop("schema.json"))
    assert files.pop("README.txt").startswith(b"Your data")
    jsonschema_rs.validator_for(schema).validate({name: json.loads(text) for name, text in files.items()})
    topics = {f"{table.topic}.json": table for table in INVENTORY if table.topic}
    assert set(files) == set(topics) == set(schema["properties"])
    for name, table in topics.items():
        rows = json.loads(files[name])
        assert rows, f"{name} is empty"
        assert set(rows[0]) == set(table.given) | set(table.looked_up)
    everything = b"".join(files.values()).decode()
    assert [secret for secret in life.secrets if secret in everything] == []
    assert [name for name in other.names if name in everything] == []
    for name in ("email", "content", "username", "id_insight", "account", "agent", "own_track"):
        assert life.values[name] in everything


def test_the_schema_of_an_export_refuses_what_is_not_one(runtime: Runtime, empty: Servers) -> None:
    files = exported(runtime, a_full_life(empty).user_id)
    schema = jsonschema_rs.validator_for(json.loads(files.pop("schema.json")))
    files.pop("README.txt")
    documents: dict[str, Any] = {name: json.loads(text) for name, text in files.items()}
    assert schema.is_valid(documents)
    del documents["plays.json"][0]["ended_at"]
    assert not schema.is_valid(documents)


def test_erasing_leaves_nothing_that_leads_to_the_person(runtime: Runtime, empty: Servers) -> None:
    life, other = a_full_life(empty), a_full_life(empty)
    untouched = every_row(empty, where=("the other one", other.user_id))

    task_id = erased(runtime, life.user_id)

    assert job_row(runtime.database, task_id).status == "succeeded"
    rows = {table: rows for table, rows in every_row(empty).items() if rows}
    assert traces(life, rows) == []
    assert traces(life, everything_in_redis(empty)) == []
    assert every_row(empty, where=("the other one", other.user_id)) == untouched
    # The catalogue keeps what somebody else played.
    assert [json.loads(row)["spotify_id"] for row in rows["tracks"]] == (
        ["track-of-everybody", other.values["own_track"], other.values["own_top_track"]]
    )


def test_a_tombstone_says_how_much_there_was_and_not_whose(runtime: Runtime, empty: Servers) -> None:
    life = a_full_life(empty)
    pseudonym = runtime.audit.pseudonym(life.user_id)
    counted = {
        table: len(rows)
        for table, rows in every_row(empty).items()
        if table in _BY_NAME and not (_BY_NAME[table].by_pseudonym or _BY_NAME[table].derived)
    }
    erased(runtime, life.user_id)
    (tombstone,) = tombstones(runtime.database)
    assert tombstone.user_hash == pseudonym
    assert tombstone.finished_at is not None
    expected = {table: rows for table, rows in counted.items() if table != "erasures"}
    # Tokens went when it was asked for; some tables name the person in a row that is not theirs.
    expected |= {"spotify_tokens": 0, "listenbrainz_tokens": 0}
    for table, besides in (("background_jobs", 1), ("idempotency_keys", 1), ("one_time_links", 1)):
        expected[table] -= besides
    assert tombstone.counts == expected
    events = [json.loads(row)["event"] for row in every_row(empty)["audit_log"]]
    assert events == [AuditEvent.ERASURE_REQUESTED, AuditEvent.ERASED]


@pytest.mark.parametrize("step", ["forget_plays", "forget_snapshots", "drop_chunks_of", "forget_requester"])
def test_an_erasure_that_is_killed_midway_is_completed_by_the_next_attempt(
    runtime: Runtime, empty: Servers, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    life = a_full_life(empty)
    with killed_before(monkeypatch, step):
        erased(runtime, life.user_id)
    assert every_row(empty, where=("them", life.user_id))["users"]
    make_due(runtime)
    work_off(runtime)
    assert traces(life, every_row(empty)) == []
    (tombstone,) = tombstones(runtime.database)
    assert (tombstone.counts["plays"], tombstone.counts["generated_insights"]) == (12, 1)


def traces(life: Life, found: Mapping[str, Any]) -> list[str]:
    """Where any of their names stands."""
    dump = {place: str(content) + place for place, content in found.items()}
    return [f"{name} in {place}" for place, text in dump.items() for name in life.names if name in text]
