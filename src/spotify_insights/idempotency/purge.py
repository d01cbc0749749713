"""Taking away the rows of keys whose time is over; as keys they count as absent already."""

from typing import Final

from sqlalchemy import text

from spotify_insights.database.database import Transaction, rows_changed
from spotify_insights.idempotency.answer import LIFE

# Once a minute this keeps pace with 300 keyed requests a second, and takes a fraction of one.
MOST_KEYS: Final = 20_000

# The moment is a subquery, which PostgreSQL computes once and then looks up in the index; a call in its place
# would be made for each row of the table.
_PURGE: Final = text("""
    DELETE FROM idempotency_keys
     WHERE ctid = ANY (ARRAY(
           SELECT ctid FROM idempotency_keys
            WHERE created_at <= (SELECT clock_timestamp() - CAST(:life AS interval))
            ORDER BY created_at
            LIMIT :limit
              FOR UPDATE SKIP LOCKED))
""")


def purge_old_keys(tx: Transaction, *, limit: int = MOST_KEYS) -> int:
    """Delete keys older than a day, at most `limit`; how many those were. Several may run at once."""
    return rows_changed(tx.session, _PURGE, {"life": LIFE, "limit": limit})
