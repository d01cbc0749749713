"""Sealing everything anew with the primary key, while everybody goes on working.

Short transactions of a few rows each; rows that somebody else holds are passed over and met again. A value is
replaced only where it is still the one that was opened, and nothing else of its row is touched, so a refresh
that happens meanwhile wins. Whoever interrupts it, and however, loses at most the batch it was at: what is
left is simply what is not sealed with the primary key yet. Any number may run at once.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from spotify_insights.database.actor import SYSTEM
from spotify_insights.database.database import Database
from spotify_insights.installation.sealed_columns import (
    SEALED_COLUMNS,
    SealedColumn,
    SealedValues,
    count_sealed_values,
)
from spotify_insights.security.key_source import LOOK_AGAIN_SECONDS
from spotify_insights.security.sealing import BrokenSealError, SealedText, Sealer

BATCH_ROWS: Final = 200
SETTLED_SECONDS: Final = 2 * LOOK_AGAIN_SECONDS
"""After a change of the key file, everybody who runs has noticed it by then."""
_WAIT_FOR_OTHERS_SECONDS: Final = 0.2


@dataclass
class Rotation:
    """How far a rotation is: values sealed anew, those left on other keys, and those that do not open."""

    primary: str
    done: int = 0
    remaining: int = 0
    broken: dict[str, int] = field(default_factory=dict)
    """By table and column. Their key is not in the ring, or somebody changed them."""

    @property
    def is_over(self) -> bool:
        """Nothing is left that another pass could do."""
        return self.remaining <= sum(self.broken.values())


def rotate(
    database: Database,
    sealer: Sealer,
    *,
    settled_in: Callable[[], float] = lambda: 0.0,
    tell: Callable[[Rotation], None] = lambda _: None,
) -> Rotation:
    """Seal every stored secret with the primary key; returns when none is left that is sealed with another.

    Args:
        database: with the rights of a worker.
        settled_in: how many seconds ago the ring changed may be too few for everybody to have noticed; this
            says how many are missing. The last look is made after that.
        tell: called after each batch and each pass.

    Raises:
        UnavailableError: the database does not answer. What was done stays done; run it again.
    """
    rotation = Rotation(primary=sealer.ring.primary)
    while True:
        wait = settled_in()
        rotation = Rotation(primary=sealer.ring.primary, done=rotation.done)
        for column in SEALED_COLUMNS:
            _pass(database, sealer, column, rotation, tell)
        with database.transaction(acting_for=SYSTEM) as tx:
            rotation.remaining = left_on_other_keys(count_sealed_values(tx.session), rotation.primary)
        tell(rotation)
        if not rotation.is_over:
            time.sleep(_WAIT_FOR_OTHERS_SECONDS)
        elif wait > 0:
            time.sleep(wait)
        elif sealer.ring.primary == rotation.primary:
            return rotation


def left_on_other_keys(counted: list[SealedValues], primary: str) -> int:
    """How many values are not sealed with `primary`."""
    return sum(each.values for each in counted if each.key_id != primary)


def _pass(
    database: Database,
    sealer: Sealer,
    column: SealedColumn,
    rotation: Rotation,
    tell: Callable[[Rotation], None],
) -> None:
    """Once through a column, in the order of ids: each row is met once, however many there are."""
    after: UUID | None = None
    while True:
        with database.transaction(acting_for=SYSTEM) as tx:
            after = _batch(tx.session, sealer, column, rotation, after)
        if after is None:
            return
        tell(rotation)


def _batch(
    session: Session, sealer: Sealer, column: SealedColumn, rotation: Rotation, after: UUID | None
) -> UUID | None:
    """Seal some rows anew; the last id among them, or None where there were no more."""
    # Only constants are put together here and below.
    rows = session.execute(
        text(f"""
            SELECT id, {column.user} AS user_id, {column.column} AS sealed
              FROM {column.table}
             WHERE (CAST(:after AS uuid) IS NULL OR id > :after)
               AND {column.column} IS NOT NULL AND {column.key_id} IS DISTINCT FROM :primary
             ORDER BY id LIMIT :limit
               FOR NO KEY UPDATE SKIP LOCKED
        """),  # noqa: S608
        {"after": after, "primary": rotation.primary, "limit": BATCH_ROWS},
    ).all()
    anew = []
    for row in rows:
        place = column.place(row.id, row.user_id)
        try:
            sealed = sealer.seal(sealer.open(SealedText(row.sealed), place), place)
        except BrokenSealError:
            rotation.broken[column.name] = rotation.broken.get(column.name, 0) + 1
            continue
        anew.append({"row_id": row.id, "sealed": sealed, "opened": row.sealed})
    if anew:
        session.execute(
            text(f"""
                UPDATE {column.table} SET {column.column} = :sealed
                 WHERE id = :row_id AND {column.column} = :opened
            """),  # noqa: S608
            anew,
        )
    rotation.done += len(anew)
    return rows[-1].id if rows else None
