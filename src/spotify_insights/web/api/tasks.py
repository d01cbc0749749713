"""Following background work."""

from fastapi import APIRouter, Request, Response

from spotify_insights.cache.keys import finished_task
from spotify_insights.database.actor import LOCAL_ADMIN, Actor
from spotify_insights.jobs.queries import task_document, task_documents
from spotify_insights.web.dependencies import HotReadsDep
from spotify_insights.web.documents import TaskDocument
from spotify_insights.web.hot_reads import OBJECT_RESPONSES, PAGE_RESPONSES
from spotify_insights.web.pagination import Cursor, Cursors, Limit
from spotify_insights.web.parameters import TaskId, UserId
from spotify_insights.web.problems import problem_responses

router = APIRouter(prefix="/api/tasks", tags=["Tasks"])
_CURSORS = Cursors("tasks")


@router.get(
    "/{task_id}",
    response_model=TaskDocument,
    responses={**OBJECT_RESPONSES, **problem_responses(404, 422)},
)
async def read_task(request: Request, reads: HotReadsDep, task_id: TaskId) -> Response:
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
    responses={**PAGE_RESPONSES, **problem_responses(404, 422)},
)
async def read_tasks(
    request: Request, reads: HotReadsDep, user_id: UserId, limit: Limit = 20, cursor: Cursor = None
) -> Response:
    """The listener's tasks, the newest first."""
    return await reads.page(
        request,
        task_documents(user_id, limit=limit, before=_CURSORS.entry_id(cursor)),
        acting_for=Actor.listener(user_id),
        missing="There is no such user.",
        cursors=_CURSORS,
    )
