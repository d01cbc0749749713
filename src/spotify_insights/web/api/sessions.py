"""Where the caller is signed in: browsers, and programs that hold tokens."""

from datetime import datetime
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import Field

from spotify_insights.access.principal import Principal
from spotify_insights.access.queries import session_documents
from spotify_insights.access.scopes import Scope
from spotify_insights.access.sessions import end_other_sessions, end_session
from spotify_insights.database.actor import Actor
from spotify_insights.web.authorization import caller
from spotify_insights.web.dependencies import HotReadsDep, RuntimeDep
from spotify_insights.web.documented import Documented
from spotify_insights.web.hot_reads import OBJECT_RESPONSES
from spotify_insights.web.origin import trail_of
from spotify_insights.web.own_account import own_id
from spotify_insights.web.problems import problem_responses

router = APIRouter(prefix="/api/sessions", tags=["Access"])

SESSION_ID = "01936e5f-3c4d-7e5f-8a6b-7c8d9e0f1a2b"
SessionHolder = Annotated[Principal, caller(Scope.KEYS)]
SessionId = Annotated[UUID, Field(description="The session, as the list names it.", examples=[SESSION_ID])]


class SessionDocument(Documented):
    """One sign-in that still counts."""

    example: ClassVar = {
        "session_id": SESSION_ID,
        "kind": "browser",
        "current": True,
        "created_at": "2026-11-22T09:15:00.000Z",
        "last_seen_at": "2026-11-22T09:41:00.000Z",
        "expires_at": "2026-12-22T09:15:00.000Z",
        "address": "192.0.2.0/24",
        "user_agent": "Mozilla/5.0",
    }

    session_id: UUID
    kind: Literal["browser", "token"] = Field(description="`token`: a program that holds a refresh token.")
    current: bool = Field(description="Whether it is the one that asks.")
    created_at: datetime
    last_seen_at: datetime = Field(description="To the minute.")
    expires_at: datetime
    address: str | None = Field(description="The network that it was begun from.")
    user_agent: str | None


class SessionsEnded(Documented):
    """How many sign-ins count no longer."""

    example: ClassVar = {"ended": 3}

    ended: int


@router.get(
    "", response_model=list[SessionDocument], responses={**OBJECT_RESPONSES, **problem_responses(409)}
)
async def read_sessions(
    request: Request, runtime: RuntimeDep, reads: HotReadsDep, principal: SessionHolder
) -> Response:
    """Where you are signed in, the one seen last first."""
    user_id = own_id(principal)
    return await reads.object(
        request,
        session_documents(
            user_id, current=principal.credential_id, idle_days=runtime.settings.session_idle_days
        ),
        acting_for=Actor.listener(user_id),
        missing="There are no sessions.",
    )


@router.delete(
    "/{session_id}", status_code=204, response_class=Response, responses=problem_responses(404, 409, 422)
)
def delete_session(
    request: Request, runtime: RuntimeDep, principal: SessionHolder, session_id: SessionId
) -> None:
    """End one session. The next request of that browser or program is refused."""
    user_id = own_id(principal)
    with runtime.database.transaction(acting_for=Actor.listener(user_id)) as tx:
        end_session(tx, user_id, session_id, trail=trail_of(request, runtime, principal.actor))


@router.delete("", responses=problem_responses(409))
def delete_other_sessions(request: Request, runtime: RuntimeDep, principal: SessionHolder) -> SessionsEnded:
    """End every session but the one that asks. API keys stay as they are. Safe to repeat."""
    user_id = own_id(principal)
    with runtime.database.transaction(acting_for=Actor.listener(user_id)) as tx:
        ended = end_other_sessions(
            tx,
            user_id,
            kept=principal.credential_id,
            trail=trail_of(request, runtime, principal.actor),
        )
    return SessionsEnded(ended=ended)
