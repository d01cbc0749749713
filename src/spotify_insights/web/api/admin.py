"""The operator's side: every job, what went wrong, and another try."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import Field

from spotify_insights.access.scopes import Scope
from spotify_insights.audit.event import AuditEvent
from spotify_insights.database.actor import Actor
from spotify_insights.errors import NotFoundError
from spotify_insights.jobs.job import JobStatus, Queue
from spotify_insights.jobs.queries import dead_letters, job_document, job_documents
from spotify_insights.jobs.requeue import requeue_job, requeue_jobs
from spotify_insights.jobs.upkeep.alerts import alert_documents
from spotify_insights.jobs.upkeep.figures import job_figures
from spotify_insights.web.accepted import ACCEPTED_RESPONSE, accepted
from spotify_insights.web.admin_documents import AlertDocument, JobDocument, JobFigures, Requeued
from spotify_insights.web.admin_reads import RecordedOperator
from spotify_insights.web.authorization import acting_for_operator
from spotify_insights.web.cancellation import CANCEL_RESPONSES, cancel
from spotify_insights.web.dependencies import HotReadsDep, RuntimeDep
from spotify_insights.web.documents import TaskAccepted
from spotify_insights.web.hot_reads import OBJECT_RESPONSES, PAGE_RESPONSES
from spotify_insights.web.idempotency import KeyedRequest, respond_once
from spotify_insights.web.origin import origin_of
from spotify_insights.web.pagination import Cursor, Cursors, Limit
from spotify_insights.web.parameters import JobId, OnlyTaskName
from spotify_insights.web.problems import problem_responses
from spotify_insights.web.text import PlainText

ReadingOperator = Annotated[Actor, acting_for_operator(Scope.ADMIN_READ)]
WritingOperator = Annotated[Actor, acting_for_operator(Scope.ADMIN_WRITE)]

router = APIRouter(prefix="/api/admin", tags=["Administration"])
_JOBS = Cursors("admin-jobs")
_DEAD_LETTERS = Cursors("dead-letters")
_NO_SUCH_JOB = "There is no such job."

OnlyOwner = Annotated[UUID | None, Query(alias="user_id", description="Only jobs for this user.")]
OnlyJobStatus = Annotated[JobStatus | None, Query(description="Only jobs of this status.")]
OnlyQueue = Annotated[Queue | None, Query(description="Only jobs of this queue.")]
OnlyTroubled = Annotated[
    Literal["failed", "dead"] | None,
    Query(description="`failed`: waiting would not have helped. `dead`: every attempt was used up."),
]
Troubled = Annotated[
    Literal["failed", "dead"], Query(description="Which of them: those that died, or those that failed.")
]
OnlyErrorCode = Annotated[
    PlainText | None, Field(max_length=100, description="Only jobs that ended for this reason.")
]
Many = Annotated[int, Query(ge=1, le=10_000, description="How many jobs at most.")]


@router.get(
    "/jobs",
    response_model=list[JobDocument],
    responses={**PAGE_RESPONSES, **problem_responses(404, 422)},
)
async def read_jobs(
    request: Request,
    reads: HotReadsDep,
    actor: RecordedOperator,
    status: OnlyJobStatus = None,
    queue: OnlyQueue = None,
    task_name: OnlyTaskName = None,
    owner: OnlyOwner = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Response:
    """Everybody's jobs, the newest first."""
    return await reads.page(
        request,
        job_documents(
            status=status,
            queue=queue,
            task_name=task_name,
            user_id=owner,
            limit=limit,
            before=_JOBS.entry_id(cursor),
        ),
        acting_for=actor,
        missing=_NO_SUCH_JOB,
        cursors=_JOBS,
    )


@router.get(
    "/jobs/{job_id}",
    response_model=JobDocument,
    responses={**OBJECT_RESPONSES, **problem_responses(404, 422)},
)
async def read_job(request: Request, reads: HotReadsDep, actor: RecordedOperator, job_id: JobId) -> Response:
    """One job with everything that the table knows."""
    return await reads.object(request, job_document(job_id), acting_for=actor, missing=_NO_SUCH_JOB)


@router.delete(
    "/jobs/{job_id}",
    response_model=JobDocument,
    responses={
        **CANCEL_RESPONSES,
        202: {**CANCEL_RESPONSES[202], "model": JobDocument},
        **problem_responses(404, 409, 422),
    },
)
def cancel_one(request: Request, runtime: RuntimeDep, actor: WritingOperator, job_id: JobId) -> Response:
    """Cancel a job and all jobs that it queued: what waits at once, what runs as soon as it notices.

    Not what deletes: erasures and the purge after a disconnect go on.
    """
    with _named_a_job():
        return cancel(
            runtime,
            job_id,
            job_document(job_id),
            acting_for=actor,
            location=f"/api/admin/jobs/{job_id}",
            noun="job",
            record=partial(
                runtime.audit.record,
                event=AuditEvent.JOB_CANCELLED_BY_ADMIN,
                actor=actor,
                target=str(job_id),
                origin=origin_of(request),
            ),
        )


@router.post(
    "/jobs/{job_id}/requeue",
    status_code=202,
    response_model=TaskAccepted,
    responses={**ACCEPTED_RESPONSE, **problem_responses(404, 409, 422)},
)
def requeue_one(
    request: Request, runtime: RuntimeDep, keyed: KeyedRequest, actor: WritingOperator, job_id: JobId
) -> Response:
    """Queue a job again that failed, died or was cancelled, with all its attempts before it."""
    with runtime.database.transaction(acting_for=actor) as tx:

        def respond() -> JSONResponse:
            with _named_a_job():
                requeue_job(tx, job_id)
            runtime.audit.record(
                tx,
                AuditEvent.JOB_REQUEUED,
                actor=actor,
                target=str(job_id),
                origin=origin_of(request),
            )
            return accepted(job_id)

        return respond_once(tx, keyed, respond)


@router.get(
    "/dead-letters",
    response_model=list[JobDocument],
    responses={**PAGE_RESPONSES, **problem_responses(422)},
)
async def read_dead_letters(
    request: Request,
    reads: HotReadsDep,
    actor: RecordedOperator,
    status: OnlyTroubled = None,
    task_name: OnlyTaskName = None,
    error_code: OnlyErrorCode = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Response:
    """The jobs that nobody will try again by themselves, with the reason, the newest first."""
    return await reads.page(
        request,
        dead_letters(
            status=None if status is None else JobStatus(status),
            task_name=task_name,
            error_code=error_code,
            limit=limit,
            before=_DEAD_LETTERS.entry_id(cursor),
        ),
        acting_for=actor,
        missing=_NO_SUCH_JOB,
        cursors=_DEAD_LETTERS,
    )


@router.post(
    "/dead-letters/requeue",
    response_model=Requeued,
    responses=problem_responses(409, 422),
)
def requeue_many(
    request: Request,
    runtime: RuntimeDep,
    keyed: KeyedRequest,
    actor: WritingOperator,
    status: Troubled = "dead",
    task_name: OnlyTaskName = None,
    error_code: OnlyErrorCode = None,
    limit: Many = 1000,
) -> Response:
    """Queue many jobs again. Of equal ones the last is taken, and none whose work is under way."""
    with runtime.database.transaction(acting_for=actor) as tx:

        def respond() -> JSONResponse:
            requeued = requeue_jobs(
                tx, status=JobStatus(status), task_name=task_name, error_code=error_code, limit=limit
            )
            runtime.audit.record(
                tx,
                AuditEvent.JOB_REQUEUED,
                actor=actor,
                details={"count": requeued, "status": status},
                origin=origin_of(request),
            )
            return JSONResponse({"requeued": requeued})

        return respond_once(tx, keyed, respond)


@router.get("/queues", response_model=JobFigures, responses={**OBJECT_RESPONSES, **problem_responses()})
async def read_queues(request: Request, reads: HotReadsDep, actor: ReadingOperator) -> Response:
    """The state of the queues in numbers.

    Jobs that succeeded or were cancelled are counted for an hour, all others as long as they stand.
    """
    return await reads.object(request, job_figures(), acting_for=actor, missing=_NO_SUCH_JOB)


@router.get(
    "/alerts", response_model=list[AlertDocument], responses={**OBJECT_RESPONSES, **problem_responses(422)}
)
async def read_alerts(
    request: Request, reads: HotReadsDep, actor: ReadingOperator, limit: Limit = 20
) -> Response:
    """What an operator should know: what is open first, then what is over, the newest first each."""
    return await reads.object(
        request, alert_documents(limit=limit), acting_for=actor, missing="There are no alerts."
    )


@contextmanager
def _named_a_job() -> Iterator[None]:
    """What is a task to a listener is a job here, and so is one that nobody knows."""
    try:
        yield
    except NotFoundError:
        raise NotFoundError(_NO_SUCH_JOB) from None
