"""What remains of those who left: enough to erase them again when an old backup brings them back."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from pydantic import BaseModel, TypeAdapter, ValidationError
from sqlalchemy import text

from spotify_insights.accounts.erasing import mark_as_erasing
from spotify_insights.accounts.people import count_admins
from spotify_insights.audit.record import AuditLog
from spotify_insights.audit.trail import AuditTrail
from spotify_insights.database.actor import OPERATOR, SYSTEM
from spotify_insights.database.database import Database
from spotify_insights.database.table import new_id
from spotify_insights.errors import ConflictError, InvalidInputError, NotFoundError
from spotify_insights.jobs.enqueue import enqueue
from spotify_insights.privacy.jobs import EraseUser
from spotify_insights.privacy.request_erasure import begin_erasure

_ALL: Final = text(
    "SELECT user_hash, requested_at, finished_at, counts FROM erasures ORDER BY requested_at, id"
)
# A service can only go after its users.
_USERS: Final = text("SELECT id FROM users ORDER BY role = 'service', id")
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
    """How many of the tombstones met a user, who is being erased again now.

    Args:
        refused: who stays for now, and why.
        took_last_admin: nobody can sign in as an admin any more.
    """

    tombstones: int
    users: int
    refused: Mapping[UUID, str]
    took_last_admin: bool


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

    A service whose users are not gone yet is refused and keeps nobody else from being erased; it goes when
    this is repeated later. The last admin goes, too: in the backup there may be no other, and an operator can
    make one.
    """
    hashes = {tombstone.user_hash for tombstone in given}
    with database.transaction(acting_for=SYSTEM) as tx:
        user_ids = tx.session.scalars(_USERS).all()
        had_admin = count_admins(tx) > 0
    found = [user_id for user_id in user_ids if audit.pseudonym(user_id) in hashes]
    begun, refused = 0, dict[UUID, str]()
    for user_id in found:
        try:
            _erase_again(database, user_id, audit)
        except NotFoundError:
            # An erasure that had begun before is done by now.
            continue
        except ConflictError as refusal:
            refused[user_id] = refusal.message
        else:
            begun += 1
    with database.transaction(acting_for=SYSTEM) as tx:
        for tombstone in given:
            values = {"id": new_id(), "counts": json.dumps(dict(tombstone.counts))}
            tx.session.execute(_KEEP, tombstone.model_dump() | values)
        took_last_admin = had_admin and count_admins(tx) == 0
    return Reapplied(tombstones=len(given), users=begun, refused=refused, took_last_admin=took_last_admin)


def _erase_again(database: Database, user_id: UUID, audit: AuditLog) -> None:
    with database.transaction(acting_for=SYSTEM) as tx:
        is_new = mark_as_erasing(tx, user_id, last_admin_too=True)
        erasure_id = begin_erasure(tx, user_id, is_new=is_new, trail=AuditTrail(audit, OPERATOR))
        enqueue(tx, EraseUser(erasure_id=erasure_id))
