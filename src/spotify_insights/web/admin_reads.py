"""Looking at other people's things leaves a record, as changing them does."""

from typing import Annotated, Any, cast

from fastapi import Depends, Request
from starlette.concurrency import run_in_threadpool

from spotify_insights.access.scopes import Scope
from spotify_insights.database.actor import Actor
from spotify_insights.runtime import Runtime
from spotify_insights.web.authorization import acting_for_operator
from spotify_insights.web.dependencies import RuntimeDep
from spotify_insights.web.origin import origin_of


async def _recorded(
    request: Request, runtime: RuntimeDep, actor: Annotated[Actor, acting_for_operator(Scope.ADMIN_READ)]
) -> Actor:
    # Without sign-in nobody is somebody else: whoever uses the machine has everything.
    if actor.user_id is not None:
        await run_in_threadpool(_record, runtime, request, actor)
    return actor


def _record(runtime: Runtime, request: Request, actor: Actor) -> None:
    operation = cast("Any", request.scope["route"]).name
    with runtime.database.transaction(acting_for=actor) as tx:
        runtime.audit.record_admin_read(tx, operation, actor=actor, origin=origin_of(request))


RecordedOperator = Annotated[Actor, Depends(_recorded)]
"""As `acting_for_operator(Scope.ADMIN_READ)`, for operations that show what belongs to others.

No answer is given before the record is stored: at most one a minute for each administrator and operation.
"""
