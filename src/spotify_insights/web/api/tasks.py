"""Following background work."""

from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response

from spotify_insights.access.scopes import Scope
from spotify_insights.cache.keys import finished_task
from spotify_insights.database.actor import LOCAL, Actor
from spotify_insights.errors import NotFoundError
from spotify_insights.jobs.queries import TaskStatus, task_document, task_documents
from spotify_insights.web.authorization import acting_for_caller, acting_for_listener
from spotify_insights.web.cancellation import CANCEL_RESPONSES, cancel
from spotify_insights.web.dependencies import HotReadsDep, RuntimeDep, TaskWatchDep
from spotify_insights.web.documents import TaskDocument
from spotify_insights.web.hot_reads import OBJECT_RESPONSES, PAGE_RESPONSES
from spotify_insights.web.pagination import Cursor, Cursors, Limit
from spotify_insights.web.parameters import OnlyTaskName, TaskId, UserId
from spotify_insights.web.problems import problem_responses
from spotify_insights.web.task_events import EVENTS_RESPONSES, TaskEvents
from spotify_insights.web.task_watch import NO_SUCH_TASK

router = APIRouter(prefix="/api/tasks", tags=["Tasks"])
_CURSORS = Cursors("tasks")
OnlyStatus = Annotated[TaskStatus | None, Query(description="Only tasks of this status.")]
LastEventId = Annotated[
    str | None,
    Header(
        alias="Last-Event-ID",
        description="The id of the last event that arrived; its state is not sent again. "
        "The ETag of `GET /api/tasks/{task_id}` without quotation marks does as well.",
    ),
]


@router.get(
    "/{task_id}",
    response_model=TaskDocument,
    responses={**OBJECT_RESPONSES, **problem_responses(404, 422)},
)
async def read_task(
    request: Request,
    reads: HotReadsDep,
    actor: Annotated[Actor, acting_for_caller(Scope.TASKS_READ)],
    task_id: TaskId,
) -> Response:
    """One task, in whatever state it is.

    `progress` tells of the task itself, `children` of the tasks that it queued in turn. A task that queues
    others ends when it has queued them: the whole work is done when `children.done` is `children.total`, too.
    """
    return await reads.object(
        request,
        task_document(actor, task_id),
        acting_for=actor,
        missing=NO_SUCH_TASK,
        entry=finished_task(task_id, reader=actor.name),
        cacheable=lambda row: row[1] == "true",
    )


@router.get(
    "/{task_id}/events",
    response_class=Response,
    responses={**EVENTS_RESPONSES, **problem_responses(404, 422)},
)
async def follow_task(
    watch: TaskWatchDep,
    reads: HotReadsDep,
    actor: Annotated[Actor, acting_for_caller(Scope.TASKS_READ)],
    task_id: TaskId,
    last_event_id: LastEventId = None,
) -> Response:
    """One task as server-sent events, until it and every task that it queued have ended.

    Each event `task` is the whole document that `GET /api/tasks/{task_id}` gives, first as it is and then
    whenever it has changed; states that follow each other quickly may be left out, the last one never is. The
    event `end` (`ended` or `deleted`) says that nothing will follow. A stream that breaks off without it goes
    on elsewhere: a browser's EventSource reconnects by itself, with `Last-Event-ID`, to any replica.
    """
    # The watch asks about everybody's tasks at once, so whose this one is has to be asked before.
    if actor != LOCAL and await reads.row(task_document(actor, task_id), acting_for=actor) is None:
        raise NotFoundError(NO_SUCH_TASK)
    return TaskEvents(watch, task_id, last_event_id=last_event_id)


@router.delete(
    "/{task_id}",
    response_model=TaskDocument,
    responses={
        **CANCEL_RESPONSES,
        202: {**CANCEL_RESPONSES[202], "model": TaskDocument},
        **problem_responses(404, 409, 422),
    },
)
def cancel_task(
    runtime: RuntimeDep,
    actor: Annotated[Actor, acting_for_caller(Scope.TASKS_WRITE)],
    task_id: TaskId,
) -> Response:
    """Cancel a task and all tasks that it queued: what waits at once, what runs as soon as it notices.

    Not what deletes: the purge after a disconnect goes on.
    """
    return cancel(
        runtime,
        task_id,
        task_document(actor, task_id),
        acting_for=actor,
        location=f"/api/tasks/{task_id}",
    )


@router.get(
    "",
    response_model=list[TaskDocument],
    responses={**PAGE_RESPONSES, **problem_responses(404, 422)},
)
async def read_tasks(
    request: Request,
    reads: HotReadsDep,
    actor: Annotated[Actor, acting_for_listener(Scope.TASKS_READ)],
    user_id: UserId,
    status: OnlyStatus = None,
    task_name: OnlyTaskName = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Response:
    """The listener's tasks, the newest first."""
    return await reads.page(
        request,
        task_documents(
            user_id, status=status, task_name=task_name, limit=limit, before=_CURSORS.entry_id(cursor)
        ),
        acting_for=actor,
        missing="There is no such user.",
        cursors=_CURSORS,
    )
