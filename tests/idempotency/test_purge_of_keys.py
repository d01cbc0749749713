"""Old keys are deleted in small batches, whoever else does so, and nothing else is read for it."""

from dataclasses import replace
from datetime import timedelta

from sqlalchemy import text

from answered_once import REQUEST, Work, age, asked, keys
from as_owner import as_owner
from spotify_insights.database.actor import SYSTEM
from spotify_insights.database.database import Database
from spotify_insights.idempotency.answer import LIFE
from spotify_insights.idempotency.purge import purge_old_keys

A_SECOND = timedelta(seconds=1)
# Of the table and its indexes, by this connection.
ENTRIES_READ = text("""
    SELECT pg_stat_get_xact_tuples_returned('idempotency_keys'::regclass)
         + sum(pg_stat_get_xact_tuples_returned(indexrelid))
      FROM pg_index WHERE indrelid = 'idempotency_keys'::regclass
""")


def test_old_keys_are_purged_in_bounded_batches_the_oldest_first(database: Database) -> None:
    for number in range(5):
        asked(database, Work(), replace(REQUEST, key=f"k-{number}"))
    for number in range(4):
        age(database, f"k-{number}", LIFE + number * A_SECOND)

    deleted, left = list[int](), list[list[str]]()
    for _ in range(3):
        with database.transaction(acting_for=SYSTEM) as tx:
            deleted.append(purge_old_keys(tx, limit=3))
        left.append([row.key for row in keys(database)])

    assert deleted == [3, 1, 0]
    assert left == [["k-0", "k-4"], ["k-4"], ["k-4"]]


def test_two_purges_at_once_do_not_wait_for_each_other(database: Database) -> None:
    for number in range(4):
        asked(database, Work(), replace(REQUEST, key=f"k-{number}"))
        age(database, f"k-{number}", LIFE)

    with (
        database.transaction(acting_for=SYSTEM) as one,
        database.transaction(acting_for=SYSTEM) as other,
    ):
        other.session.execute(text("SET LOCAL lock_timeout = '2s'"))
        assert (purge_old_keys(one, limit=3), purge_old_keys(other, limit=3)) == (3, 1)

    assert keys(database) == []


def test_the_purge_reads_no_more_than_it_deletes(database: Database) -> None:
    """However many keys a busy day has: the moment is looked up in the index."""
    with database.transaction(acting_for=SYSTEM) as tx:
        tx.session.execute(
            text(
                "INSERT INTO idempotency_keys (scope, key, request_hash, status, body)"
                " SELECT 's', n::text, 'h', 202, '{}' FROM generate_series(1, 5000) n"
            )
        )
    age(database, "7", LIFE)
    as_owner(database.url, "ANALYZE idempotency_keys")

    with database.transaction(acting_for=SYSTEM) as tx:
        before = tx.session.execute(ENTRIES_READ).scalar_one()
        assert purge_old_keys(tx) == 1
        assert tx.session.execute(ENTRIES_READ).scalar_one() - before < 50
