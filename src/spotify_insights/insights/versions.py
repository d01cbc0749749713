"""Storing the versions of an insight: one is the current one, the others stay readable."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from spotify_insights.cache.cache import Cache
from spotify_insights.cache.keys import insight_scope, listener_scope
from spotify_insights.database.database import Transaction
from spotify_insights.database.table import new_id
from spotify_insights.insights.models import GeneratedInsight
from spotify_insights.insights.queries import insight_with_fingerprint
from spotify_insights.insights.request import LOCALE
from spotify_insights.insights.types import InsightType, ToneMode

_NEXT_VERSION: Final = text("""
    SELECT coalesce(max(version), 0) + 1 FROM generated_insights
     WHERE snapshot_id = :snapshot_id AND insight_type = :insight_type
       AND tone_mode = :tone_mode AND locale = :locale
""")
_SUPERSEDE: Final = text("""
    UPDATE generated_insights SET superseded_by = :id
     WHERE snapshot_id = :snapshot_id AND insight_type = :insight_type
       AND tone_mode = :tone_mode AND locale = :locale
       AND superseded_by IS NULL AND id <> :id
 RETURNING id
""")
_RESTORE: Final = text("""
    UPDATE generated_insights SET superseded_by = NULL
     WHERE id = :id AND superseded_by IS NOT NULL
 RETURNING id
""")


@dataclass(frozen=True)
class Place:
    """What versions of one insight have in common: of those in one place one is the current one."""

    user_id: UUID
    snapshot_id: UUID
    insight_type: InsightType
    tone_mode: ToneMode

    @property
    def voice(self) -> dict[str, Any]:
        """The columns that name the place."""
        return {
            "snapshot_id": self.snapshot_id,
            "insight_type": self.insight_type,
            "tone_mode": self.tone_mode,
            "locale": LOCALE,
        }


def store_version(tx: Transaction, cache: Cache, place: Place, text_columns: dict[str, Any]) -> UUID:
    """Store the text as the current version and return its id; an equal one that is there is kept."""
    values = place.voice | text_columns | {"user_id": place.user_id}
    version = tx.session.scalars(_NEXT_VERSION, values).one()
    inserted: UUID | None = tx.session.scalar(
        insert(GeneratedInsight)
        .values(values | {"id": new_id(), "version": version})
        .on_conflict_do_nothing(index_elements=["user_id", "fingerprint"])
        .returning(GeneratedInsight.id)
    )
    if inserted is None:
        known = insight_with_fingerprint(tx.session, place.user_id, values["fingerprint"])
        if known is None:
            raise RuntimeError("An insight that was just in the way has vanished.")
        _invalidate(cache, tx, place.user_id, [])
        return known
    superseded = tx.session.scalars(_SUPERSEDE, values | {"id": inserted}).all()
    _invalidate(cache, tx, place.user_id, superseded)
    return inserted


def make_current(tx: Transaction, cache: Cache, place: Place, insight_id: UUID) -> None:
    """Let a stored text stand for the snapshot, whose content may have come back to it."""
    session: Session = tx.session
    restored = session.scalars(_RESTORE, {"id": insight_id}).all()
    superseded = session.scalars(_SUPERSEDE, place.voice | {"id": insight_id}).all()
    _invalidate(cache, tx, place.user_id, [*restored, *superseded])


def _invalidate(cache: Cache, tx: Transaction, user_id: UUID, changed: Iterable[UUID]) -> None:
    cache.invalidate(tx, [listener_scope(user_id), *(insight_scope(insight_id) for insight_id in changed)])
