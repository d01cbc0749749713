"""A snapshot and its row hold the same: whatever is stored is read back with an equal hash."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings

from arbitrary_snapshots import snapshots
from ingestions import snapshot_rows
from makers import a_user
from spotify_insights.database.actor import SYSTEM
from spotify_insights.errors import NotFoundError
from spotify_insights.listening.snapshot import Snapshot
from spotify_insights.listening.store_snapshot import load_snapshot, store_snapshot
from spotify_insights.runtime import Runtime

# Every example has a listener of its own, so that one database serves all of them.
sharing_a_database = hypothesis_settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50
)


@sharing_a_database
@given(drawn=snapshots())
def test_a_stored_snapshot_is_read_back_unchanged(runtime: Runtime, drawn: Snapshot) -> None:
    snapshot, user_id = storable(drawn), a_user(runtime)
    snapshot_id = store(runtime, user_id, snapshot)
    assert_stored(runtime, user_id, snapshot_id, snapshot)


@sharing_a_database
@given(first=snapshots(), second=snapshots())
def test_a_second_snapshot_of_the_day_takes_the_place_of_the_first(
    runtime: Runtime, first: Snapshot, second: Snapshot
) -> None:
    user_id = a_user(runtime)
    replaced = storable(first).model_copy(update={"time_range": second.time_range})
    snapshot_id = store(runtime, user_id, replaced)
    assert store(runtime, user_id, storable(second)) == snapshot_id
    assert_stored(runtime, user_id, snapshot_id, storable(second))


def test_a_snapshot_that_nobody_took_is_not_found(runtime: Runtime) -> None:
    with (
        pytest.raises(NotFoundError) as refusal,
        runtime.database.transaction(acting_for=SYSTEM) as tx,
    ):
        load_snapshot(tx.session, uuid4(), acting_for=SYSTEM)
    assert refusal.value.message == "There is no such snapshot."


def assert_stored(runtime: Runtime, user_id: UUID, snapshot_id: UUID, snapshot: Snapshot) -> None:
    """It is the only one of its listener, and both ways of reading it agree."""
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        owner, loaded = load_snapshot(tx.session, snapshot_id, acting_for=SYSTEM)
    [row] = snapshot_rows(runtime.database, user_id)
    assert (owner, row.id) == (user_id, snapshot_id)
    assert loaded == snapshot
    assert loaded.content_hash == snapshot.content_hash == row.content_hash


def store(runtime: Runtime, user_id: UUID, snapshot: Snapshot) -> UUID:
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        return store_snapshot(tx.session, user_id, snapshot)


def storable(drawn: Snapshot) -> Snapshot:
    """Without what PostgreSQL cannot hold and no snapshot contains: no payload lets a NUL character pass,
    and taking a snapshot never gives a negative zero."""
    return Snapshot.model_validate(_storable(drawn.model_dump()))


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\x00", "")
    if isinstance(value, float):
        return value + 0.0
    if isinstance(value, dict):
        return {name: _storable(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_storable(inner) for inner in value]
    return value
