"""Writing one insight: load the snapshot, think and write without a transaction, store the version."""

import time
from collections.abc import Iterable
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from spotify_insights.cache.cache import Cache
from spotify_insights.cache.keys import insight_scope, listener_scope
from spotify_insights.database.database import Transaction
from spotify_insights.database.table import new_id
from spotify_insights.errors import PermanentError
from spotify_insights.insights.brief import compose_brief
from spotify_insights.insights.grounding import ungrounded
from spotify_insights.insights.jobs import GenerateInsight
from spotify_insights.insights.models import GeneratedInsight
from spotify_insights.insights.narrators.narrator import Narrator
from spotify_insights.insights.queries import insight_with_fingerprint
from spotify_insights.insights.request import LOCALE, SCHEMA_VERSION, reuse_key
from spotify_insights.jobs.attempt import Attempt
from spotify_insights.listening.store_snapshot import load_snapshot
from spotify_insights.observability import get_logger

_log = get_logger(__name__)

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


class UngroundedError(PermanentError):
    """A narrator said something that its brief does not carry; nothing of it is stored."""

    code = "ungrounded"

    def __init__(self) -> None:
        super().__init__("The insight could not be written truthfully and was not stored.")


def write_insight(attempt: Attempt, job: GenerateInsight, *, narrator: Narrator, cache: Cache) -> None:
    """Write and store the insight; where an identical one is stored by now, that one is the result.

    Raises:
        NotFoundError: the snapshot is gone.
        UngroundedError: the text would not have been true.
    """
    with attempt.database.transaction(acting_for=attempt.actor) as tx:
        user_id, snapshot = load_snapshot(tx.session, job.snapshot_id)
        key = reuse_key(user_id, snapshot, job.insight_type, job.tone_mode, narrator=narrator)
        stored = insight_with_fingerprint(tx.session, user_id, key)
    if stored is not None:
        with attempt.completion() as completion:
            changed = _make_current(completion.tx.session, stored, _voice(job))
            _invalidate(cache, completion.tx, user_id, changed)
            completion.result = {"insight_id": str(stored), "reused": True}
        return

    begun = time.monotonic()
    brief = compose_brief(snapshot, job.insight_type)
    narrative = narrator.narrate(brief, tone=job.tone_mode, seed=key)
    reasons = ungrounded(narrative, brief)
    if reasons:
        _log.error("narrative_ungrounded", model=narrator.model, reasons=reasons)
        raise UngroundedError
    values = _voice(job) | {
        "user_id": user_id,
        "time_range": snapshot.time_range,
        "llm_model": narrator.model,
        "prompt_version": narrator.prompt_version,
        "schema_version": SCHEMA_VERSION,
        "snapshot_hash": snapshot.content_hash,
        "fingerprint": key,
        "content": narrative.content,
        "structured": narrative.structured,
        "generation_ms": round((time.monotonic() - begun) * 1000),
    }
    with attempt.completion() as completion:
        insight_id, superseded = _store(completion.tx.session, values)
        _invalidate(cache, completion.tx, user_id, superseded)
        completion.result = {"insight_id": str(insight_id), "reused": False}


def _voice(job: GenerateInsight) -> dict[str, Any]:
    """What versions of one insight have in common: of those with equal values one is the current one."""
    return {
        "snapshot_id": job.snapshot_id,
        "insight_type": job.insight_type,
        "tone_mode": job.tone_mode,
        "locale": LOCALE,
    }


def _store(session: Session, values: dict[str, Any]) -> tuple[UUID, list[UUID]]:
    """The id of the stored version, and the versions it supersedes."""
    version = session.scalars(_NEXT_VERSION, values).one()
    inserted: UUID | None = session.scalar(
        insert(GeneratedInsight)
        .values(values | {"id": new_id(), "version": version})
        .on_conflict_do_nothing(index_elements=["user_id", "fingerprint"])
        .returning(GeneratedInsight.id)
    )
    if inserted is None:
        known = insight_with_fingerprint(session, values["user_id"], values["fingerprint"])
        if known is None:
            raise RuntimeError("An insight that was just in the way has vanished.")
        return known, []
    return inserted, list(session.scalars(_SUPERSEDE, values | {"id": inserted}))


def _make_current(session: Session, insight_id: UUID, voice: dict[str, Any]) -> list[UUID]:
    """Let the text stand for the snapshot, whose content may have come back to it; what that changed."""
    restored = session.scalars(_RESTORE, {"id": insight_id}).all()
    superseded = session.scalars(_SUPERSEDE, voice | {"id": insight_id}).all()
    return [*restored, *superseded]


def _invalidate(cache: Cache, tx: Transaction, user_id: UUID, changed: Iterable[UUID]) -> None:
    cache.invalidate(tx, [listener_scope(user_id), *(insight_scope(insight_id) for insight_id in changed)])
