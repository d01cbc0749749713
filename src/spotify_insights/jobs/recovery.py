"""Starting again after everything died."""

from typing import Final

from sqlalchemy import text

from spotify_insights.database.actor import SYSTEM
from spotify_insights.database.database import Database, rows_changed

_END_LEASES: Final = text("""
    UPDATE background_jobs SET lease_expires_at = clock_timestamp() WHERE status = 'running'
""")


def end_leases_of_the_dead(database: Database) -> int:
    """Let every running job be taken over at once; the number of them.

    For a caller who knows that no worker of this database lives. Should one live after all, fencing keeps it
    from storing anything, so that the worst outcome is work done again.
    """
    with database.transaction(acting_for=SYSTEM) as tx:
        return rows_changed(tx.session, _END_LEASES, {})
