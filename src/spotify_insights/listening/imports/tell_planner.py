"""Telling PostgreSQL's planner that a listener has a history now."""

from contextlib import suppress
from typing import Final

from sqlalchemy import text

from spotify_insights.database.actor import SYSTEM
from spotify_insights.database.database import Database
from spotify_insights.errors import UnavailableError
from spotify_insights.listening.imports.receipt import Receipt

# Autovacuum looks at smaller changes soon enough.
_MANY_ROWS: Final = 10_000
_ANALYZE: Final = text("SELECT analyze_plays()")


def tell_planner(database: Database, receipt: Receipt) -> None:
    """Count anew what the tables hold, after an import of many rows has been committed. Safe to repeat.

    Somebody who counted meanwhile saw none of its plays. A planner who believes in an empty table looks up
    plays by whichever index is at hand, each time from its beginning to its end: undoing the import, which
    asks for the plays of each of its tracks, would then take hours instead of seconds.
    """
    if receipt.kept < _MANY_ROWS:
        return
    # Autovacuum would find it out as well, some minutes later.
    with suppress(UnavailableError), database.transaction(acting_for=SYSTEM) as tx:
        tx.session.execute(_ANALYZE)
