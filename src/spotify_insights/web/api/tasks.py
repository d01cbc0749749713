"""Following background work."""

from uuid import UUID

from fastapi import APIRouter, Request, Response

from spotify_insights.cache.keys import finished_task
from spotify_insights.database.actor import LOCAL_ADMIN, Actor
from spotify_insights.jobs.queries import task_document, task_documents
from spotify_insights.web.dependencies import HotReadsDep
from spotify_insights.web.documents import TaskDocument
from spotify_insights.web.pagination import LINK_HEADER, Cursor, Limit, entry_id
from spotify_insights.web.problems import problem_responses

router = APIRouter(prefix="/api/tasks", tags=["Tasks"])


@router.get("/{task_id}", response_model=TaskDocument, responses=problem_responses(404, 422))
async def read_task(request: Request, reads: HotReadsDep, task_id: UUID) -> Response:
    """One task, in whatever state it is."""
    return await reads.object(
        request,
        task_document(task_id),
        acting_for=LOCAL_ADMIN,
        missing="There is no such task.",
        entry=finished_task(task_id),
        cacheable=lambda row: row[1] == "true",
    )


@router.get(
    "",
    response_model=list[TaskDocument],
    responses={200: {"headers": LINK_HEADER}, **problem_responses(404, 422)},
)
async def read_tasks(
    request: Request, reads: HotReadsDep, user_id: UUID, limit: Limit = 20, cursor: Cursor = None
) -> Response:
    """The listener's tasks, the newest first."""
    return await reads.page(
        request,
        task_documents(user_id, limit=limit, before=entry_id(cursor)),
        acting_for=Actor.listener(user_id),
        missing="There is no such user.",
    )
