"""Cancelling over HTTP, for the listener's side and the operator's."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, Literal
from uuid import UUID

from sqlalchemy.orm import Session
from starlette.responses import Response

from spotify_insights.database.actor import Actor
from spotify_insights.database.database import Database, Transaction
from spotify_insights.database.hot_read import HotRead
from spotify_insights.errors import ConflictError, UnavailableError
from spotify_insights.jobs.active import owner_of
from spotify_insights.jobs.cancel import Cancellation, cancel_job
from spotify_insights.jobs.queries import task_is_over
from spotify_insights.listening.imports.request import drop_upload
from spotify_insights.listening.imports.unwanted_uploads import expire_unwanted_uploads
from spotify_insights.privacy.jobs import PROMISED
from spotify_insights.runtime import Runtime
from spotify_insights.web.hot_reads import JSON

CANCEL_RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "It is cancelled."},
    202: {
        "description": "What runs of it was asked to stop; it stores nothing more. Poll it until it ends.",
        "headers": {"Location": {"description": "Where to poll.", "schema": {"type": "string"}}},
    },
}


def cancel(
    runtime: Runtime,
    job_id: UUID,
    document: HotRead,
    *,
    acting_for: Actor,
    location: str,
    noun: Literal["task", "job"] = "task",
    record: Callable[[Transaction], None] = lambda _: None,
) -> Response:
    """Cancel a job with all that it queued; the answer is its document as it stands then.

    The upload of an import that had not begun is deleted with it.

    Args:
        document: the read of the job for this caller.
        location: where the caller follows it.
        noun: what the caller knows it as.
        record: keeps in the same transaction that it was done.

    Raises:
        NotFoundError: there is no such job.
        ConflictError: it had ended otherwise, and nothing that it queued is unfinished; or its task
            was promised to somebody.
    """
    with runtime.database.transaction(acting_for=acting_for) as tx:
        was_over = _read(tx.session, task_is_over(acting_for, job_id)) == "true"
        cancellation = cancel_job(tx, job_id, acting_for=acting_for, promised=PROMISED)
        if cancellation is Cancellation.ENDED_ALREADY and was_over:
            raise ConflictError(f"The {noun} has ended already. There is nothing left to cancel.")
        is_over = _read(tx.session, task_is_over(acting_for, job_id)) == "true"
        body = _read(tx.session, document)
        record(tx)
        owner_id = owner_of(tx.session, job_id)
    if owner_id is not None:
        _drop_unwanted_uploads(runtime.database, owner_id)
    if is_over:
        return Response(body, media_type=JSON)
    return Response(body, status_code=202, media_type=JSON, headers={"Location": location})


def _drop_unwanted_uploads(database: Database, owner_id: UUID) -> None:
    """What cannot be deleted now goes with a purge."""
    owner = Actor.listener(owner_id)
    with suppress(UnavailableError):
        with database.transaction(acting_for=owner) as tx:
            unwanted = expire_unwanted_uploads(tx.session, owner_id)
        for file_id in unwanted:
            drop_upload(database, owner_id, file_id, acting_for=owner)


def _read(session: Session, read: HotRead) -> str | None:
    row = session.connection().exec_driver_sql(read.statement, dict(read.parameters)).one_or_none()
    return None if row is None else str(row[0])
