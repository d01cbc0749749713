"""What is short-lived goes in small batches, about once a minute, so that it never heaps up."""

from typing import Final

from sqlalchemy import text

from spotify_insights.database.database import Transaction, rows_changed
from spotify_insights.jobs.upkeep.canary import CANARY_TASKS
from spotify_insights.jobs.upkeep.retention import Retention

PURGE_BATCH: Final = 200
# Long enough to look into the last canaries after an alert.
_KEPT: Final = "1 hour"
# One purge looks at what ended in the last hours, not at a month of finished jobs. What it misses because no
# relay ran for so long is for `cleanup_old_jobs`.
_LOOK_BACK: Final = "7 hours"

# The last canary that ended well stays: it tells since when a queue has been silent.
_CANARIES: Final = """
    WITH canaries AS MATERIALIZED (
         SELECT id, finished_at,
                status = 'succeeded' AND row_number() OVER (
                    PARTITION BY task_name, status = 'succeeded' ORDER BY finished_at DESC) = 1 AS is_last
           FROM background_jobs
          WHERE finished_at > {since} AND task_name IN ({tasks})),
         old AS MATERIALIZED (
         SELECT job.id FROM canaries JOIN background_jobs job ON job.id = canaries.id
          WHERE canaries.finished_at < statement_timestamp() - interval '{kept}' AND NOT canaries.is_last
            AND job.status NOT IN ('queued', 'running')
          LIMIT :batch
            FOR UPDATE OF job SKIP LOCKED)
    DELETE FROM background_jobs job USING old WHERE job.id = old.id
"""
_RECENT_CANARIES: Final = text(
    _CANARIES.format(since=f"statement_timestamp() - interval '{_LOOK_BACK}'", tasks=CANARY_TASKS, kept=_KEPT)
)
OLD_CANARIES: Final = text(
    _CANARIES.format(since="CAST('-infinity' AS timestamptz)", tasks=CANARY_TASKS, kept=_KEPT)
)


def purge(tx: Transaction, retention: Retention) -> dict[str, int]:
    """Delete one bounded batch of canaries that ended long ago, and one of everything in `retention.further`.

    Safe to repeat and to run several times at once.

    Returns:
        How many rows of which.
    """
    return {
        "canaries": rows_changed(tx.session, _RECENT_CANARIES, {"batch": PURGE_BATCH}),
        "further": sum(purge_batch(tx) for purge_batch in retention.further),
    }
