"""The audit log, for administrators."""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field
from starlette.concurrency import run_in_threadpool

from spotify_insights.audit.event import AuditEvent
from spotify_insights.audit.queries import audit_documents
from spotify_insights.runtime import Runtime
from spotify_insights.web.admin_reads import RecordedOperator
from spotify_insights.web.dependencies import HotReadsDep, RuntimeDep
from spotify_insights.web.documented import Documented
from spotify_insights.web.hot_reads import PAGE_RESPONSES
from spotify_insights.web.pagination import Cursor, Cursors, Limit
from spotify_insights.web.problems import problem_responses

router = APIRouter(prefix="/api/admin", tags=["Administration"])
_AUDIT = Cursors("audit")

OnlyEvent = Annotated[AuditEvent | None, Query(description="Only records of this event.")]
OnlySubject = Annotated[
    UUID | None, Query(alias="user_id", description="Only what was done to this user's things.")
]
OnlyActor = Annotated[UUID | None, Query(description="Only what this user did.")]


class AuditDocument(Documented):
    """Something that happened. People are pseudonyms, which stay the same for as long as the installation."""

    example: ClassVar = {
        "record_id": "01936e5e-1b5d-7f22-a1d4-6e7f80910213",
        "at": "2026-11-22T09:15:00.000Z",
        "event": "key_revoked",
        "actor_role": "admin",
        "actor": "5f0c…",
        "subject": "9ab1…",
        "target": "k7Qm2nX9aB4c",
        "request_id": "7d0f3c1a9b2e4f60",
        "address": "192.0.2.0/24",
        "details": {"reason": "lost_device"},
    }

    record_id: UUID
    at: datetime
    event: str = Field(
        description="One of the events of the query; an older version may have recorded others."
    )
    actor_role: Literal["listener", "service", "admin", "local", "authentication", "system"]
    actor: str | None = Field(description="Who did it; null for the installation itself and its operator.")
    subject: str | None = Field(description="To whose things it was done.")
    target: str | None = Field(description="What it was done to, such as a job's id.")
    request_id: str | None
    address: str | None = Field(description="The network that the request came from.")
    details: dict[str, Any]


@router.get(
    "/audit",
    response_model=list[AuditDocument],
    responses={**PAGE_RESPONSES, **problem_responses(404, 422)},
)
async def read_audit_log(
    request: Request,
    runtime: RuntimeDep,
    reads: HotReadsDep,
    operator: RecordedOperator,
    event: OnlyEvent = None,
    subject: OnlySubject = None,
    actor: OnlyActor = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Response:
    """Who did what to whose things, the newest first. Erased users are found by their id, too."""
    return await reads.page(
        request,
        audit_documents(
            event=event,
            subject=await _pseudonym(runtime, subject),
            actor=await _pseudonym(runtime, actor),
            limit=limit,
            before=_AUDIT.entry_id(cursor),
        ),
        acting_for=operator,
        missing="There is no audit log.",
        cursors=_AUDIT,
    )


async def _pseudonym(runtime: Runtime, user_id: UUID | None) -> str | None:
    # The pepper may have to be read from the database first.
    return None if user_id is None else await run_in_threadpool(runtime.audit.pseudonym, user_id)
