"""A busy day's keys go as fast as they came, and one purge stays bounded."""

from sqlalchemy import text

from spotify_insights.database.actor import SYSTEM
from spotify_insights.database.database import Database
from spotify_insights.idempotency.answer import LIFE
from spotify_insights.idempotency.purge import MOST_KEYS, purge_old_keys


def test_one_purge_takes_what_a_busy_minute_left_and_no_more_than_its_bound(database: Database) -> None:
    with database.transaction(acting_for=SYSTEM) as tx:
        tx.session.execute(
            text("""
                INSERT INTO idempotency_keys (scope, key, request_hash, status, body, created_at)
                SELECT 's', n::text, 'h', 202, '{}', clock_timestamp() - CAST(:life AS interval)
                  FROM generate_series(1, :keys) n
            """),
            {"life": LIFE, "keys": MOST_KEYS + 7},
        )

    deleted = []
    for _ in range(3):
        with database.transaction(acting_for=SYSTEM) as tx:
            deleted.append(purge_old_keys(tx))

    assert deleted == [MOST_KEYS, 7, 0]


def test_a_purge_a_minute_keeps_up_with_hundreds_of_keyed_requests_a_second() -> None:
    assert MOST_KEYS / 60 > 300
