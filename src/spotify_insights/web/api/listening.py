"""Ingestion and snapshots."""

from typing import Annotated

from fastapi import APIRouter, Request, Response

from spotify_insights.access.scopes import Scope
from spotify_insights.cache.keys import snapshot_list
from spotify_insights.database.actor import Actor
from spotify_insights.listening.queries import snapshot_documents
from spotify_insights.listening.request import request_ingestion
from spotify_insights.web.accepted import ACCEPTED_RESPONSE, accepted
from spotify_insights.web.authorization import acting_for_listener
from spotify_insights.web.dependencies import HotReadsDep, RuntimeDep
from spotify_insights.web.documents import SnapshotDocument, TaskAccepted
from spotify_insights.web.hot_reads import PAGE_RESPONSES
from spotify_insights.web.idempotency import KeyedRequest, respond_once
from spotify_insights.web.pagination import Cursor, Cursors, Limit
from spotify_insights.web.parameters import OnlyRange, Range, UserId, range_of
from spotify_insights.web.problems import problem_responses

router = APIRouter(prefix="/api/listening", tags=["Listening"])
_CURSORS = Cursors("snapshots")


@router.post(
    "/ingest",
    status_code=202,
    response_model=TaskAccepted,
    responses={**ACCEPTED_RESPONSE, **problem_responses(404, 409, 413, 415, 422)},
)
def ingest(
    runtime: RuntimeDep,
    keyed: KeyedRequest,
    actor: Annotated[Actor, acting_for_listener(Scope.LISTENING_WRITE)],
    user_id: UserId,
    time_range: Range = "medium_term",
) -> Response:
    """Fetch the listener's data in the background; the task's result is a snapshot.

    Over the listener's own month, year or all time nothing is fetched: it is computed from the plays that we
    hold, until now. Asking again while it runs joins the same task.
    """
    with runtime.database.transaction(acting_for=actor) as tx:
        return respond_once(
            tx, keyed, lambda: accepted(request_ingestion(tx, user_id, range_of(time_range))), about=user_id
        )


@router.get(
    "/snapshots",
    response_model=list[SnapshotDocument],
    responses={**PAGE_RESPONSES, **problem_responses(404, 422)},
)
async def read_snapshots(
    request: Request,
    reads: HotReadsDep,
    actor: Annotated[Actor, acting_for_listener(Scope.LISTENING_READ)],
    user_id: UserId,
    time_range: OnlyRange = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Response:
    """The listener's snapshots, the one computed last first."""
    return await reads.page(
        request,
        snapshot_documents(
            user_id, time_range=time_range, limit=limit, before=_CURSORS.moment_and_id(cursor)
        ),
        acting_for=actor,
        entry=snapshot_list(user_id, reader=actor.name, time_range=time_range, limit=limit, cursor=cursor),
        missing="There is no such user.",
        cursors=_CURSORS,
    )
