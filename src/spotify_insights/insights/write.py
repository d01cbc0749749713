"""Writing one insight: load the snapshot, think and write without a transaction, store the version."""

import time
from typing import Any
from uuid import UUID

from spotify_insights.cache.cache import Cache
from spotify_insights.errors import PermanentError
from spotify_insights.insights.brief import compose_brief
from spotify_insights.insights.grounding import ungrounded
from spotify_insights.insights.jobs import GenerateInsight
from spotify_insights.insights.narrators.narrator import Narrator
from spotify_insights.insights.queries import insight_with_fingerprint
from spotify_insights.insights.request import SCHEMA_VERSION, reuse_key
from spotify_insights.insights.types import InsightType, ToneMode
from spotify_insights.insights.versions import Place, make_current, store_version
from spotify_insights.jobs.attempt import Attempt
from spotify_insights.listening.snapshot import Snapshot
from spotify_insights.listening.store_snapshot import load_snapshot
from spotify_insights.observability import get_logger

_log = get_logger(__name__)


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
        user_id, snapshot = load_snapshot(tx.session, job.snapshot_id, acting_for=attempt.actor)
        key = reuse_key(user_id, snapshot, job.insight_type, job.tone_mode, narrator=narrator)
        stored = insight_with_fingerprint(tx.session, user_id, key)
    place = Place(user_id, job.snapshot_id, job.insight_type, job.tone_mode)
    if stored is not None:
        with attempt.completion() as completion:
            make_current(completion.tx, cache, place, stored)
            completion.result = {"insight_id": str(stored), "reused": True}
        return

    written = written_truthfully(user_id, snapshot, job.insight_type, job.tone_mode, narrator=narrator)
    with attempt.completion() as completion:
        insight_id = store_version(completion.tx, cache, place, written)
        completion.result = {"insight_id": str(insight_id), "reused": False}


def written_truthfully(
    user_id: UUID, snapshot: Snapshot, insight_type: InsightType, tone: ToneMode, *, narrator: Narrator
) -> dict[str, Any]:
    """Let the narrator write about the snapshot; the text and all that made it, as columns of its row.

    Raises:
        UngroundedError: the text would not have been true.
    """
    begun = time.monotonic()
    key = reuse_key(user_id, snapshot, insight_type, tone, narrator=narrator)
    brief = compose_brief(snapshot, insight_type)
    narrative = narrator.narrate(brief, tone=tone, seed=key)
    reasons = ungrounded(narrative, brief)
    if reasons:
        _log.error("narrative_ungrounded", model=narrator.model, reasons=reasons)
        raise UngroundedError
    return {
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
