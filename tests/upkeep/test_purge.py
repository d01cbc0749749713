"""The purge takes what is short-lived, a small batch at a time."""

import threading
from datetime import timedelta
from functools import partial

from sqlalchemy import text

from job_trials import at_once
from spotify_insights.database.actor import SYSTEM
from spotify_insights.database.database import Database, Transaction
from spotify_insights.jobs.upkeep.purge import PURGE_BATCH, purge
from spotify_insights.jobs.upkeep.retention import Retention
from upkeep_trials import A_DAY, A_MINUTE, Row, job_ids, put

LONG_AGO = timedelta(hours=2)
RECENTLY = 50 * A_MINUTE


def purged(database: Database, retention: Retention | None = None) -> dict[str, int]:
    with database.transaction(acting_for=SYSTEM) as tx:
        return purge(tx, retention or Retention())


def canary(status: str, ended: timedelta) -> Row:
    return Row("spotify.canary", "spotify", status=status, ended=ended)


def test_canaries_that_ended_long_ago_go_and_nothing_else(database: Database) -> None:
    gone = put(
        database, canary("succeeded", LONG_AGO), canary("dead", LONG_AGO), canary("cancelled", LONG_AGO)
    )
    kept = put(
        database,
        canary("succeeded", RECENTLY),
        canary("dead", RECENTLY),
        Row("spotify.canary", "spotify", queued=A_DAY),
        Row("insights.canary", "insights", status="running", queued=A_DAY),
        Row("spotify.other", "spotify", status="succeeded", ended=LONG_AGO),
    )

    assert purged(database) == {"canaries": len(gone), "further": 0}
    assert job_ids(database) == set(kept)
    assert purged(database) == {"canaries": 0, "further": 0}


def test_the_last_canary_of_each_queue_that_ended_well_stays(database: Database) -> None:
    put(
        database,
        canary("succeeded", LONG_AGO + 2 * A_MINUTE),
        canary("succeeded", LONG_AGO + A_MINUTE),
        canary("dead", LONG_AGO),
    )
    kept = put(
        database,
        canary("succeeded", LONG_AGO),
        Row("insights.canary", "insights", status="succeeded", ended=2 * LONG_AGO),
    )

    purged(database)

    assert job_ids(database) == set(kept)


def test_one_purge_takes_no_more_than_its_batch(database: Database) -> None:
    put(
        database,
        *[canary("succeeded", LONG_AGO + number * A_MINUTE / 10) for number in range(PURGE_BATCH + 11)],
    )
    assert [purged(database)["canaries"] for _ in range(3)] == [PURGE_BATCH, 10, 0]


def test_purges_at_once_do_not_wait_for_each_other_and_take_each_row_once(database: Database) -> None:
    put(database, *[canary("succeeded", LONG_AGO + number * A_MINUTE / 10) for number in range(101)])

    with database.transaction(acting_for=SYSTEM) as tx:
        assert purge(tx, Retention())["canaries"] == 100
        # The first has not committed: its rows are locked, and the second leaves them to it.
        assert purged(database) == {"canaries": 0, "further": 0}

    assert len(job_ids(database)) == 1


def test_what_others_want_purged_is_purged_in_the_same_transaction(database: Database) -> None:
    def forget(tx: Transaction, *, number: int) -> int:
        assert tx.session.scalar(text("SELECT 1")) == 1
        return number

    retention = Retention(further=(partial(forget, number=3), partial(forget, number=4)))
    assert purged(database, retention) == {"canaries": 0, "further": 7}


def test_many_purges_at_once_leave_what_one_would_leave(database: Database) -> None:
    put(database, *[canary("succeeded", LONG_AGO + number * A_MINUTE / 10) for number in range(60)])

    def take(barrier: threading.Barrier) -> int:
        barrier.wait()
        return purged(database)["canaries"]

    assert sum(at_once(4, take)) == 59
