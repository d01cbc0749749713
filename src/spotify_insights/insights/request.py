"""Asking for an insight."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from spotify_insights.accounts.daily_quota import Counted, take
from spotify_insights.accounts.erasing import refuse_if_erasing
from spotify_insights.database.actor import Actor
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


@dataclass(frozen=True)
class RequestedInsight:
    """The task that leads to an insight, and for whom it is written."""

    task_id: UUID
    user_id: UUID


def request_insight(
    tx: Transaction,
    snapshot_id: UUID,
    insight_type: InsightType,
    tone: ToneMode,
    *,
    narrator: Narrator,
    acting_for: Actor,
    per_day: int | None = None,
) -> RequestedInsight:
    """Ask for an insight about one of the actor's snapshots.

    Where the identical insight is stored, its task is finished from the start; where it is being written,
    that task is joined; else it is queued. One that was superseded is stored, but has to be made the
    current one again: that is left to the task.

    Args:
        per_day: how many may be queued for one listener in one day; what is there or under way is free.

    Raises:
        NotFoundError: there is no such snapshot.
        InvalidInputError: the snapshot is of a week and the insight is not, or the other way round.
        BeingErasedError: the listener is being erased.
        TooManyRequestsError: the day has no more.
    """
    user_id, snapshot = load_snapshot(tx.session, snapshot_id, acting_for=acting_for)
    tx.continue_as(Actor.listener(user_id))
    _check_range(insight_type, snapshot)
    refuse_if_erasing(tx.session, user_id)
    job = JOB_OF_TYPE[insight_type](user_id=user_id, snapshot_id=snapshot_id, tone_mode=tone)
    key = reuse_key(user_id, snapshot, insight_type, tone, narrator=narrator)
    stored = current_insight_with_fingerprint(tx.session, user_id, key)
    if stored is not None:
        task_id = record_finished(tx, job, result={"insight_id": str(stored), "reused": True})
    else:

        def count() -> None:
            if per_day is not None:
                take(tx, user_id, Counted.INSIGHTS, per_day)

        task_id = enqueue(tx, job, if_new=count)
    return RequestedInsight(task_id=task_id, user_id=user_id)


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
