"""Keeping PostgreSQL's planner from plans that only suit the small tables it remembers."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

_ALLOW: Final = text("SELECT set_config('enable_nestloop', :allowed, true)")


@contextmanager
def without_nested_loops(session: Session) -> Iterator[None]:
    """Join tables by hashing in this block, wherever that is possible.

    For statements over a whole history, after many of its rows have changed: until autovacuum has seen them,
    the planner takes a listener with half a million plays for one with a single play, and then goes through
    all rows of one table for each row of another. Between small tables hashing costs hardly more.
    """
    session.execute(_ALLOW, {"allowed": "off"})
    yield
    # Where the block failed, the transaction does, and the setting ends with it.
    session.execute(_ALLOW, {"allowed": "on"})
