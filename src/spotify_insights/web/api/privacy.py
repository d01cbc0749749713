"""Leaving: disconnect, take everything along, be erased."""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Final
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import Field

from spotify_insights.access.principal import Principal
from spotify_insights.access.scopes import Scope
from spotify_insights.database.actor import Actor
from spotify_insights.privacy.disconnect import Provider, disconnect
from spotify_insights.privacy.request_erasure import request_erasure
from spotify_insights.privacy.request_export import request_export, request_export_link
from spotify_insights.storage.read import export_documents
from spotify_insights.web.accepted import ACCEPTED_RESPONSE, accepted
from spotify_insights.web.authorization import KnownCaller, acting_for_listener
from spotify_insights.web.dependencies import HotReadsDep, RuntimeDep
from spotify_insights.web.documented import Documented
from spotify_insights.web.documents import TaskAccepted
from spotify_insights.web.hot_reads import OBJECT_RESPONSES
from spotify_insights.web.idempotency import KeyedRequest, respond_once
from spotify_insights.web.origin import trail_of
from spotify_insights.web.parameters import UserId
from spotify_insights.web.problems import problem_responses

router = APIRouter(prefix="/api/users", tags=["Privacy"])

EXPORT_ID: Final = "01936e5c-b3d9-7e21-8f02-1a2b3c4d5e6f"
ExportId = Annotated[
    UUID, Path(description="The export, as the task's result named it.", examples=[EXPORT_ID])
]
ConnectedProvider = Annotated[Provider, Path(description="The provider to disconnect.", examples=["spotify"])]
KeepUploads = Annotated[
    bool, Query(description="Whether what came from uploaded exports of the provider stays.")
]


class ExportDocument(Documented):
    """An export that can be downloaded."""

    example: ClassVar = {
        "export_id": EXPORT_ID,
        "name": "listening-export-2026-11-22.zip",
        "size_bytes": 482_133,
        "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "created_at": "2026-11-22T09:15:00.000Z",
        "expires_at": "2026-11-23T09:15:00.000Z",
    }

    export_id: UUID
    name: str
    size_bytes: int
    sha256: str = Field(description="Of the whole file, in hexadecimal digits.")
    created_at: datetime
    expires_at: datetime = Field(description="The file is deleted then.")


class ExportLinkDocument(Documented):
    """Where to download an export, once. The address is shown here and kept nowhere."""

    example: ClassVar = {
        "url": "http://127.0.0.1:8000/exports/Zk3…",
        "expires_at": "2026-11-23T09:15:00.000Z",
    }

    url: str
    expires_at: datetime


_ACCEPTED: Final[dict[str, Any]] = {"status_code": 202, "response_model": TaskAccepted}


@router.delete(
    "/{user_id}/connections/{provider}",
    responses={**ACCEPTED_RESPONSE, **problem_responses(404, 409, 422)},
    **_ACCEPTED,
)
def disconnect_provider(
    request: Request,
    runtime: RuntimeDep,
    keyed: KeyedRequest,
    principal: KnownCaller,
    actor: Annotated[Actor, acting_for_listener(Scope.CONNECTIONS_WRITE)],
    user_id: UserId,
    provider: ConnectedProvider,
    keep_uploads: KeepUploads = False,  # noqa: FBT002  # a flag of the query
) -> Response:
    """Disconnect a provider. Its tokens are gone at once; the task deletes what came through them.

    That is every play from the provider's API and, where the provider had a part in them, every snapshot and
    every insight, for they mix sources. Plays from uploaded exports go, too, unless `keep_uploads` is set; a
    new ingestion computes the rest again. Connecting again before the task has ended is fine: what the new
    connection brings is kept.
    """
    with runtime.database.transaction(acting_for=actor) as tx:
        return respond_once(
            tx,
            keyed,
            lambda: accepted(
                disconnect(
                    tx,
                    user_id,
                    provider,
                    keep_uploads=keep_uploads,
                    cache=runtime.cache,
                    trail=trail_of(request, runtime, principal.actor),
                )
            ),
            about=user_id,
        )


@router.post(
    "/{user_id}/export", responses={**ACCEPTED_RESPONSE, **problem_responses(404, 409, 422)}, **_ACCEPTED
)
def export(
    request: Request,
    runtime: RuntimeDep,
    keyed: KeyedRequest,
    principal: KnownCaller,
    actor: Annotated[Actor, acting_for_listener(Scope.PRIVACY)],
    user_id: UserId,
) -> Response:
    """Make a zip of everything that is stored about the listener; the task's result names the export.

    The zip holds JSON files, a schema of them and a README. Tokens, passwords and whatever else would let
    somebody act as the listener are left out. Asking again while it is being made joins the same task.
    """
    with runtime.database.transaction(acting_for=actor) as tx:
        trail = trail_of(request, runtime, principal.actor)
        return respond_once(
            tx, keyed, lambda: accepted(request_export(tx, user_id, trail=trail)), about=user_id
        )


@router.get(
    "/{user_id}/exports",
    response_model=list[ExportDocument],
    responses={**OBJECT_RESPONSES, **problem_responses(404, 422)},
)
async def read_exports(
    request: Request,
    reads: HotReadsDep,
    actor: Annotated[Actor, acting_for_listener(Scope.PRIVACY)],
    user_id: UserId,
) -> Response:
    """The listener's exports that can be downloaded, the newest first."""
    return await reads.object(
        request, export_documents(user_id), acting_for=actor, missing="There is no such user."
    )


@router.post(
    "/{user_id}/exports/{export_id}/link",
    status_code=201,
    response_model=ExportLinkDocument,
    responses=problem_responses(404, 409, 422),
)
def link_export(
    runtime: RuntimeDep,
    actor: Annotated[Actor, acting_for_listener(Scope.PRIVACY)],
    user_id: UserId,
    export_id: ExportId,
) -> Response:
    """Make a link that downloads the export once, within a day and without signing in."""
    with runtime.database.transaction(acting_for=actor) as tx:
        link = request_export_link(tx, user_id, export_id)
    url = f"{runtime.settings.public_url.rstrip('/')}/exports/{link.token}"
    body = ExportLinkDocument(url=url, expires_at=link.expires_at)
    return JSONResponse(body.model_dump(mode="json"), status_code=201, headers={"Cache-Control": "no-store"})


@router.delete("/{user_id}", responses={**ACCEPTED_RESPONSE, **problem_responses(404, 409, 422)}, **_ACCEPTED)
def erase(
    request: Request,
    runtime: RuntimeDep,
    principal: KnownCaller,
    actor: Annotated[Actor, acting_for_listener(Scope.PRIVACY)],
    user_id: UserId,
) -> Response:
    """Delete the user and everything about them. It cannot be undone.

    At once nothing new can begin for them, their connections are gone and everything that signed them in is
    revoked; only what this request was sent with may still see the task, until that has ended. Asking again
    leads to the same task.
    """
    with runtime.database.transaction(acting_for=actor) as tx:
        task_id = request_erasure(
            tx,
            user_id,
            asked_with=_own_credential(principal, user_id),
            cache=runtime.cache,
            trail=trail_of(request, runtime, principal.actor),
        )
    return accepted(task_id)


def _own_credential(principal: Principal, user_id: UUID) -> UUID | None:
    return principal.credential_id if principal.user_id == user_id else None
