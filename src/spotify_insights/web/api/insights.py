"""Insights: asking for one, reading them."""

from typing import Annotated

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from spotify_insights.access.scopes import Scope
from spotify_insights.cache import keys
from spotify_insights.database.actor import Actor
from spotify_insights.insights.queries import insight_document, insight_documents
from spotify_insights.insights.request import RequestedInsight, request_insight
from spotify_insights.insights.types import ToneMode
from spotify_insights.web.accepted import ACCEPTED_RESPONSE, accepted
from spotify_insights.web.authorization import acting_for_caller, acting_for_listener
from spotify_insights.web.dependencies import HotReadsDep, RuntimeDep
from spotify_insights.web.documents import InsightDocument, TaskAccepted
from spotify_insights.web.hot_reads import OBJECT_RESPONSES, PAGE_RESPONSES
from spotify_insights.web.idempotency import KeyedRequest, respond_once
from spotify_insights.web.limited import limited
from spotify_insights.web.limits.policy import LimitClass
from spotify_insights.web.pagination import Cursor, Cursors, Limit
from spotify_insights.web.parameters import InsightId, Kind, OnlyKind, SnapshotId, Tone, UserId
from spotify_insights.web.problems import problem_responses

router = APIRouter(prefix="/api/insights", tags=["Insights"])
_CURSORS = Cursors("insights")


@router.post(
    "/generate",
    status_code=202,
    response_model=TaskAccepted,
    responses={**ACCEPTED_RESPONSE, **problem_responses(404, 413, 415, 422)},
    dependencies=[limited(LimitClass.GENERATION)],
)
def generate(
    runtime: RuntimeDep,
    keyed: KeyedRequest,
    actor: Annotated[Actor, acting_for_caller(Scope.INSIGHTS_WRITE)],
    snapshot_id: SnapshotId,
    insight_type: Kind,
    tone_mode: Tone = ToneMode.NEUTRAL,
) -> Response:
    """Write an insight about a snapshot in the background; the task's result names it.

    Where the identical insight exists, the task is finished at once and names that one. A snapshot of a
    week carries weekly insights and no others.
    """
    with runtime.database.transaction(acting_for=actor) as tx:
        requested: list[RequestedInsight] = []

        def respond() -> JSONResponse:
            requested.append(
                request_insight(
                    tx,
                    snapshot_id,
                    insight_type,
                    tone_mode,
                    narrator=runtime.narrator,
                    acting_for=actor,
                    per_day=runtime.settings.insights_per_day,
                )
            )
            return accepted(requested[0].task_id)

        return respond_once(tx, keyed, respond, about=lambda: requested[0].user_id)


@router.get(
    "/{insight_id}",
    response_model=InsightDocument,
    responses={**OBJECT_RESPONSES, **problem_responses(404, 422)},
)
async def read_insight(
    request: Request,
    reads: HotReadsDep,
    actor: Annotated[Actor, acting_for_caller(Scope.INSIGHTS_READ)],
    insight_id: InsightId,
) -> Response:
    """One insight."""
    return await reads.object(
        request,
        insight_document(actor, insight_id),
        acting_for=actor,
        entry=keys.insight(insight_id, reader=actor.name),
        missing="There is no such insight.",
    )


@router.get(
    "/user/{user_id}",
    response_model=list[InsightDocument],
    responses={**PAGE_RESPONSES, **problem_responses(404, 422)},
)
async def read_insights_of_user(
    request: Request,
    reads: HotReadsDep,
    actor: Annotated[Actor, acting_for_listener(Scope.INSIGHTS_READ)],
    user_id: UserId,
    insight_type: OnlyKind = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Response:
    """The listener's insights, the newest first."""
    return await reads.page(
        request,
        insight_documents(user_id, insight_type=insight_type, limit=limit, before=_CURSORS.entry_id(cursor)),
        acting_for=actor,
        entry=keys.insight_list(
            user_id, reader=actor.name, insight_type=insight_type, limit=limit, cursor=cursor
        ),
        missing="There is no such user.",
        cursors=_CURSORS,
    )
