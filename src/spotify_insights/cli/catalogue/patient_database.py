"""A transaction for work that may take a while: nobody's request waits behind it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from spotify_insights.cli.keys.operator_keys import operator_database
from spotify_insights.cli.which_database import WhichDatabase
from spotify_insights.database.actor import SYSTEM
from spotify_insights.database.database import Transaction

# Merging ten million rows takes minutes on a small machine, and a silent server is noticed all the same.
_PATIENCE_SECONDS: Final = 3600.0


@contextmanager
def patient_transaction(which: WhichDatabase) -> Iterator[Transaction]:
    """The installation's own transaction in the chosen database.

    Raises: as `operator_database`.
    """
    with (
        operator_database(which) as opened,
        opened.database.with_patience(_PATIENCE_SECONDS).transaction(acting_for=SYSTEM) as tx,
    ):
        yield tx
