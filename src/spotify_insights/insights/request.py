"""Asking for an insight."""

from typing import Final
from uuid import UUID

from spotify_insights.database.database import Transaction
from spotify_insights.errors import InvalidInputError
from spotify_insights.insights.fingerprint import fingerprint
from spotify_insights.insights.jobs import JOB_OF_TYPE
from spotify_insights.insights.narrators.narrator import Narrator
from spotify_insights.insights.queries import current_insight_with_fingerprint
from spotify_insights.insights.types import InsightType, ToneMode
from spotify_insights.jobs.enqueue import enqueue, record_finished
from spotify_insights.listening.snapshot import Snapshot
from spotify_insights.listening.store_snapshot import load_snapshot
from spotify_insights.listening.time_range import CalendarRange

SCHEMA_VERSION: Final = "1"
LOCALE: Final = "en"


def request_insight(
    tx: Transaction, snapshot_id: UUID, insight_type: InsightType, tone: ToneMode, *, narrator: Narrator
) -> UUID:
    """The id of a task that leads to the insight.

    Where the identical insight is stored, its task is finished from the start; where it is being written,
    that task is joined; else it is queued. One that was superseded is stored, but has to be made the
    current one again: that is left to the task.

    Raises:
        NotFoundError: there is no such snapshot.
        InvalidInputError: the snapshot is of a week and the insight is not, or the other way round.
    """
    user_id, snapshot = load_snapshot(tx.session, snapshot_id)
    _check_range(insight_type, snapshot)
    job = JOB_OF_TYPE[insight_type](user_id=user_id, snapshot_id=snapshot_id, tone_mode=tone)
    key = reuse_key(user_id, snapshot, insight_type, tone, narrator=narrator)
    stored = current_insight_with_fingerprint(tx.session, user_id, key)
    if stored is not None:
        return record_finished(tx, job, result={"insight_id": str(stored), "reused": True})
    return enqueue(tx, job)


def _check_range(insight_type: InsightType, snapshot: Snapshot) -> None:
    # A week has counted plays and a week before it; the others speak of rankings and habits, for which
    # seven days are too short.
    is_week = snapshot.time_range is CalendarRange.WEEK
    if insight_type is InsightType.WEEKLY and not is_week:
        raise InvalidInputError(
            "A weekly insight needs the snapshot of a week. Choose one with time_range week.",
            field="insight_type",
        )
    if is_week and insight_type is not InsightType.WEEKLY:
        raise InvalidInputError(
            f"One week is too short for a {insight_type} insight. Ask for a weekly one, "
            "or choose a snapshot of another time_range.",
            field="insight_type",
        )


def reuse_key(
    user_id: UUID, snapshot: Snapshot, insight_type: InsightType, tone: ToneMode, *, narrator: Narrator
) -> str:
    """Everything that shapes the text, as one fingerprint."""
    return fingerprint(
        user_id=user_id,
        insight_type=insight_type,
        tone=tone,
        time_range=snapshot.time_range,
        snapshot_hash=snapshot.content_hash,
        prompt_version=narrator.prompt_version,
        schema_version=SCHEMA_VERSION,
        model=narrator.model,
        locale=LOCALE,
    )
