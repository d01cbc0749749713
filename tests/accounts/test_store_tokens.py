"""Tokens of an authorisation: sealed, in place of older ones, and nowhere in the clear."""

import base64
from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import sql
from pydantic import SecretStr
from sqlalchemy import text

from conftest import Servers
from jobs_inline import work_off
from makers import a_connected_user, a_user
from spotify_insights.accounts.connect import store_tokens
from spotify_insights.accounts.jobs import RefreshToken
from spotify_insights.database.actor import SYSTEM
from spotify_insights.errors import NotFoundError
from spotify_insights.jobs.enqueue import enqueue
from spotify_insights.listening.jobs import IngestListeningData
from spotify_insights.listening.time_range import TimeRange
from spotify_insights.runtime import Runtime
from spotify_insights.tables import metadata
from stored_tokens import hold_lease_for, stored_access_token, stored_refresh_token, token_row

ACCESS_CANARY = "BQD-access-canary-7c1e"
REFRESH_CANARY = "AQC-refresh-canary-7c1e"


def test_a_first_authorisation_is_stored_as_the_first_version(runtime: Runtime) -> None:
    user_id = a_connected_user(runtime, access_token=ACCESS_CANARY, refresh_token=REFRESH_CANARY)
    row = token_row(runtime.database, user_id)
    assert (row.status, row.version, row.scope) == ("connected", 1, None)
    assert stored_access_token(runtime, user_id) == ACCESS_CANARY
    assert stored_refresh_token(runtime, user_id) == REFRESH_CANARY


def test_a_later_authorisation_takes_the_place_of_the_first(runtime: Runtime) -> None:
    user_id = a_connected_user(runtime)
    first = token_row(runtime.database, user_id)
    hold_lease_for(runtime.database, user_id, 600)
    store(runtime, user_id, "BQD-second", "AQC-second", scope=["user-top-read"])

    row = token_row(runtime.database, user_id)
    assert (row.id, row.version, row.scope) == (first.id, first.version + 1, ["user-top-read"])
    assert (row.lease_token, row.lease_expires_at) == (None, None)
    assert row.authorized_at > first.authorized_at
    assert stored_access_token(runtime, user_id) == "BQD-second"
    assert stored_refresh_token(runtime, user_id) == "AQC-second"


def test_lives_are_counted_by_the_clock_of_the_database(runtime: Runtime) -> None:
    user_id = a_connected_user(runtime, expires_in=3600)
    row = token_row(runtime.database, user_id)
    assert abs(row.expires_at - row.authorized_at - timedelta(hours=1)) < timedelta(seconds=1)
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        six_months = text("SELECT CAST(:authorized_at AS timestamptz) + interval '6 months'")
        ends_at = tx.session.scalars(six_months, {"authorized_at": row.authorized_at}).one()
    assert abs(row.refresh_expires_at - ends_at) < timedelta(seconds=1)


def test_tokens_of_nobody_are_refused(runtime: Runtime) -> None:
    with pytest.raises(NotFoundError) as refusal:
        store(runtime, uuid4(), "BQD-second", "AQC-second")
    assert refusal.value.message == "There is no such user."


def test_one_sealed_token_is_of_no_use_in_another_place(runtime: Runtime) -> None:
    """Both columns hold the same secret here, and still no two sealed texts are equal."""
    sealed = []
    for user_id in (a_user(runtime), a_user(runtime)):
        for _ in range(2):
            store(runtime, user_id, "same", "same")
            row = token_row(runtime.database, user_id)
            sealed += [row.sealed_access_token, row.sealed_refresh_token]
    assert len(set(sealed)) == 8


def test_no_token_stands_in_the_clear_anywhere_in_the_database(runtime: Runtime, empty: Servers) -> None:
    user_id = a_connected_user(
        runtime, access_token=ACCESS_CANARY, refresh_token=REFRESH_CANARY, expires_in=30
    )
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        enqueue(tx, RefreshToken(user_id=user_id))
        enqueue(tx, IngestListeningData(user_id=user_id, time_range=TimeRange.SHORT_TERM))
    work_off(runtime)
    canaries = {
        form
        for token in (ACCESS_CANARY, REFRESH_CANARY, stored_access_token(runtime, user_id))
        for form in (token, token.encode().hex(), base64.b64encode(token.encode()).decode()[:-4])
    }
    rows = list(every_row(empty))
    assert len(rows) > 100, "the ingestion has filled the tables"
    for row in rows:
        assert not [canary for canary in canaries if canary in row]


def every_row(servers: Servers) -> Iterator[str]:
    """Each row of each table as text."""
    with psycopg.connect(servers.database_url) as connection:
        for table in metadata.tables:
            dump = sql.SQL("SELECT row_to_json(t)::text FROM {} t").format(sql.Identifier(table))
            yield from (row[0] for row in connection.execute(dump))


def store(
    runtime: Runtime, user_id: UUID, access_token: str, refresh_token: str, scope: list[str] | None = None
) -> None:
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        store_tokens(
            tx,
            runtime.sealer,
            user_id,
            access_token=SecretStr(access_token),
            refresh_token=SecretStr(refresh_token),
            expires_in=3600,
            scope=scope,
        )
