"""What remains of those who left: enough to erase them again when an old backup brings them back."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from pydantic import BaseModel, TypeAdapter, ValidationError
from sqlalchemy import text

from spotify_insights.accounts.erasing import mark_as_erasing
from spotify_insights.audit.record import AuditLog
from spotify_insights.audit.trail import AuditTrail
from spotify_insights.database.actor import OPERATOR, SYSTEM
from spotify_insights.database.database import Database
from spotify_insights.database.table import new_id
from spotify_insights.errors import InvalidInputError
from spotify_insights.jobs.enqueue import enqueue
from spotify_insights.privacy.jobs import EraseUser
from spotify_insights.privacy.request_erasure import begin_erasure

_ALL: Final = text(
    "SELECT user_hash, requested_at, finished_at, counts FROM erasures ORDER BY requested_at, id"
)
_USERS: Final = text("SELECT id FROM users ORDER BY id")
# A tombstone that this database has forgotten with everything else since the backup.
_KEEP: Final = text("""
    INSERT INTO erasures (id, user_hash, requested_at, finished_at, counts)
    SELECT :id, :user_hash, :requested_at, :finished_at, CAST(:counts AS jsonb)
     WHERE NOT EXISTS (SELECT FROM erasures WHERE user_hash = :user_hash)
""")


class Tombstone(BaseModel):
    """One erasure. `user_hash` is the pseudonym of the audit log; `counts` are rows by table."""

    user_hash: str
    requested_at: datetime
    finished_at: datetime | None
    counts: Mapping[str, Any]


@dataclass(frozen=True)
class Reapplied:
    """How many of the tombstones met a user, who is being erased again now."""

    tombstones: int
    users: int


_TOMBSTONES: Final = TypeAdapter(list[Tombstone])


def tombstones(database: Database) -> Sequence[Tombstone]:
    """Every erasure, the oldest first."""
    with database.transaction(acting_for=SYSTEM) as tx:
        rows = tx.session.execute(_ALL).all()
    return [Tombstone.model_validate(row, from_attributes=True) for row in rows]


def read_tombstones(content: str) -> Sequence[Tombstone]:
    """What `spotify-insights erasures list --json` printed.

    Raises:
        InvalidInputError: it is something else.
    """
    try:
        return _TOMBSTONES.validate_json(content)
    except ValidationError:
        raise InvalidInputError(
            "This file is not a list of erasures. Make one with `spotify-insights erasures list --json`.",
            field="file",
        ) from None


def reapply(database: Database, given: Sequence[Tombstone], *, audit: AuditLog) -> Reapplied:
    """Erase again whom a restored backup has brought back. Safe to repeat; workers do the deleting.

    Raises:
        ConflictError: one of them is the last admin, or a service that has users, and stays as they are.
    """
    hashes = {tombstone.user_hash for tombstone in given}
    with database.transaction(acting_for=SYSTEM) as tx:
        user_ids = tx.session.scalars(_USERS).all()
    found = [user_id for user_id in user_ids if audit.pseudonym(user_id) in hashes]
    for user_id in found:
        with database.transaction(acting_for=SYSTEM) as tx:
            is_new = mark_as_erasing(tx, user_id)
            erasure_id = begin_erasure(tx, user_id, is_new=is_new, trail=AuditTrail(audit, OPERATOR))
            enqueue(tx, EraseUser(erasure_id=erasure_id))
    with database.transaction(acting_for=SYSTEM) as tx:
        for tombstone in given:
            values = {"id": new_id(), "counts": json.dumps(dict(tombstone.counts))}
            tx.session.execute(_KEEP, tombstone.model_dump() | values)
    return Reapplied(tombstones=len(given), users=len(found))
