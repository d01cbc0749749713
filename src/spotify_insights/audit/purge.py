"""The audit log's one way out: what is older than the retention, and nothing of the last 30 days."""

from typing import Final

from sqlalchemy import text

from spotify_insights.database.database import Transaction

# A fraction of a second; the log holds no lock that anybody waits for.
MOST_RECORDS: Final = 5_000

# The function belongs to the owner of the table, and is all that a worker may do with what is there.
_PURGE: Final = text(
    "SELECT purge_audit_log(statement_timestamp() - make_interval(days => :days), :most) AS gone"
)


def purge_old_records(tx: Transaction, *, days: int, limit: int = MOST_RECORDS) -> int:
    """Delete records older than `days`, at most `limit`; how many those were. For the worker's role alone.

    Safe to repeat. Whatever `days` says, records of the last 30 days stay: the database sees to that.
    """
    return int(tx.session.execute(_PURGE, {"days": days, "most": limit}).scalar_one())
