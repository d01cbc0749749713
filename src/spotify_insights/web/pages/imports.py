"""Importing an export with a browser: the form, what becomes of it, and undoing it."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from spotify_insights.access.principal import Principal
from spotify_insights.access.scopes import Scope
from spotify_insights.accounts.queries import user_document
from spotify_insights.clock import now
from spotify_insights.database.actor import Actor
from spotify_insights.database.hot_read import HotRead
from spotify_insights.errors import (
    ConflictError,
    ForbiddenError,
    InvalidInputError,
    ProductError,
    UnauthenticatedError,
    UnreadableRequestError,
)
from spotify_insights.jobs.queries import TaskStatus, task_documents
from spotify_insights.listening.imports.jobs import ImportHistory, UndoImport
from spotify_insights.listening.imports.queries import import_documents
from spotify_insights.listening.imports.request import request_import, request_undo
from spotify_insights.runtime import Runtime
from spotify_insights.web.dependencies import HotReadsDep, RuntimeDep
from spotify_insights.web.hot_reads import HotReads
from spotify_insights.web.limits.policy import LimitClass
from spotify_insights.web.limits.request_limits import limit_principal
from spotify_insights.web.pages.forms import problems_of, status_of
from spotify_insights.web.pages.page_route import PageRoute
from spotify_insights.web.pages.receipt_words import receipt_in_words
from spotify_insights.web.pages.rendering import render_page, see_other
from spotify_insights.web.pages.viewer import Viewer, ViewerId
from spotify_insights.web.uploads import Received, UploadTooLargeError, drop_received, receive_upload

router = APIRouter(prefix="/imports", include_in_schema=False, route_class=PageRoute)
_MOST_SHOWN: Final = 100
_UNDER_WAY: Final = {TaskStatus.PENDING, TaskStatus.RETRY, TaskStatus.STARTED}
# While something is under way the page has no form, so that loading it again takes nothing from anybody.
_LOAD_AGAIN: Final = {"Refresh": "2"}
_NEWS_FOR: Final = timedelta(days=1)
Document = Mapping[str, Any]


@router.get("")
async def imports_page(
    request: Request, runtime: RuntimeDep, reads: HotReadsDep, viewer: Viewer, user_id: ViewerId
) -> Response:
    """The form, or what is under way; and what was imported before."""
    return await _show(request, runtime, reads, viewer, user_id)


@router.post("")
async def upload(
    request: Request, runtime: RuntimeDep, reads: HotReadsDep, viewer: Viewer, user_id: ViewerId
) -> Response:
    """Take a file, and import it in the background."""
    _require_writing(viewer)
    await limit_principal(request, viewer, LimitClass.UPLOAD)
    actor = Actor.listener(user_id)
    try:
        received = await receive_upload(request, runtime, user_id, acting_for=actor)
    except (InvalidInputError, ConflictError, UploadTooLargeError, UnreadableRequestError) as error:
        return await _show(request, runtime, reads, viewer, user_id, error=error)
    try:
        await run_in_threadpool(_queue, runtime, user_id, received)
    except BaseException:
        await drop_received(runtime, user_id, received.upload.file_id, acting_for=actor)
        raise
    return see_other("/imports")


@router.post("/{import_id}/undo")
def undo(runtime: RuntimeDep, viewer: Viewer, user_id: ViewerId, import_id: UUID) -> Response:
    """Undo an import in the background."""
    _require_writing(viewer)
    actor = Actor.listener(user_id)
    with runtime.database.transaction(acting_for=actor) as tx:
        request_undo(tx, import_id, acting_for=actor)
    return see_other("/imports")


def _require_writing(viewer: Principal) -> None:
    if Scope.LISTENING_WRITE not in viewer.scopes:
        raise ForbiddenError("This account has no listening history to change.")


def _queue(runtime: Runtime, user_id: UUID, received: Received) -> None:
    with runtime.database.transaction(acting_for=Actor.listener(user_id)) as tx:
        request_import(tx, user_id, received.upload, dry_run="dry_run" in received.fields)


async def _show(
    request: Request,
    runtime: Runtime,
    reads: HotReads,
    viewer: Principal,
    user_id: UUID,
    *,
    error: ProductError | None = None,
) -> Response:
    _require_writing(viewer)

    async def document(read: HotRead) -> Any:
        row = await reads.row(read, acting_for=Actor.listener(user_id))
        if row is None:
            raise UnauthenticatedError("This account is gone.")
        return json.loads(row[0])

    imports = await document(import_documents(user_id, limit=_MOST_SHOWN, before=None))
    importing = await document(_latest(user_id, ImportHistory.task_name))
    undoing = await document(_latest(user_id, UndoImport.task_name))
    outcome = _outcome(importing)
    is_busy = outcome["under_way"] is not None or _is_under_way(undoing)
    page = render_page(
        request,
        "imports.html",
        status=200 if error is None else _status(error),
        problems={} if error is None else problems_of(error),
        timezone=(await document(user_document(user_id)))["timezone"],
        imports=[{**each, "words": receipt_in_words(each["receipt"])} for each in imports],
        is_busy=is_busy,
        undoing=_is_under_way(undoing),
        undo_problem=_problem(undoing),
        limit_mb=runtime.settings.upload_limit_mb,
        **outcome,
    )
    if is_busy and error is None:
        page.headers.update(_LOAD_AGAIN)
    return page


def _latest(user_id: UUID, task_name: str) -> HotRead:
    return task_documents(user_id, task_name=task_name, limit=1, before=None)


def _status(error: ProductError) -> int:
    return 413 if isinstance(error, UploadTooLargeError) else status_of(error)


def _is_under_way(tasks: Sequence[Document]) -> bool:
    return bool(tasks) and tasks[0]["status"] in _UNDER_WAY


def _problem(tasks: Sequence[Document]) -> str | None:
    if not tasks or tasks[0]["status"] != TaskStatus.FAILURE:
        return None
    is_news = now() - datetime.fromisoformat(tasks[0]["finished_at"]) < _NEWS_FOR
    return tasks[0]["error"] if is_news else None


def _outcome(tasks: Sequence[Document]) -> dict[str, Any]:
    """What became of the import that was asked for last; all None where its success is listed."""
    result = tasks[0]["result"] if tasks and tasks[0]["status"] == TaskStatus.SUCCESS else None
    return {
        "under_way": tasks[0] if _is_under_way(tasks) else None,
        "import_problem": _problem(tasks),
        "rehearsed": receipt_in_words(result) if result is not None and result["dry_run"] else None,
    }
