"""Between the snapshot as a value and its row."""

from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from spotify_insights.database.actor import Actor
from spotify_insights.database.table import new_id
from spotify_insights.errors import NotFoundError
from spotify_insights.listening.models import ListeningSnapshot
from spotify_insights.listening.snapshot import Snapshot
from spotify_insights.listening.time_range import SnapshotRange

_FIELDS = tuple(Snapshot.model_fields)


def store_snapshot(session: Session, user_id: UUID, snapshot: Snapshot) -> UUID:
    """Write the row of (user, day, range) and return its id; a second run on one day updates the first."""
    values: dict[str, Any] = snapshot.model_dump(mode="json") | {
        "snapshot_date": snapshot.snapshot_date,
        "content_hash": snapshot.content_hash,
        "computed_at": func.clock_timestamp(),
    }
    statement = insert(ListeningSnapshot).values(values | {"id": new_id(), "user_id": user_id})
    return session.scalars(
        statement.on_conflict_do_update(
            index_elements=["user_id", "snapshot_date", "time_range"],
            set_={name: statement.excluded[name] for name in values},
        ).returning(ListeningSnapshot.id)
    ).one()


def drop_snapshot(session: Session, user_id: UUID, snapshot_date: date, time_range: SnapshotRange) -> None:
    """Delete the row of (user, day, range), with the insights about it. Safe to repeat."""
    session.execute(
        delete(ListeningSnapshot).where(
            ListeningSnapshot.user_id == user_id,
            ListeningSnapshot.snapshot_date == snapshot_date,
            ListeningSnapshot.time_range == time_range,
        )
    )


def load_snapshot(session: Session, snapshot_id: UUID, *, acting_for: Actor) -> tuple[UUID, Snapshot]:
    """The snapshot and the id of the listener it belongs to.

    Raises:
        NotFoundError: there is no such snapshot among the actor's.
    """
    owned = text(acting_for.owns("listening_snapshots.user_id", acting_user=":acting_user"))
    if acting_for.user_id is not None:
        owned = owned.bindparams(acting_user=acting_for.user_id)
    row = session.scalar(select(ListeningSnapshot).where(ListeningSnapshot.id == snapshot_id, owned))
    if row is None:
        raise NotFoundError("There is no such snapshot.")
    return row.user_id, Snapshot.model_validate({name: getattr(row, name) for name in _FIELDS})
