"""Imports of privacy exports: uploading one, what came of it, and undoing it."""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Final
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from spotify_insights.access.scopes import Scope
from spotify_insights.database.actor import Actor
from spotify_insights.listening.imports.queries import import_documents
from spotify_insights.listening.imports.request import RequestedUndo, request_import, request_undo
from spotify_insights.runtime import Runtime
from spotify_insights.web.accepted import ACCEPTED_RESPONSE, accepted
from spotify_insights.web.authorization import acting_for_caller, acting_for_listener
from spotify_insights.web.dependencies import HotReadsDep, RuntimeDep
from spotify_insights.web.documented import Documented
from spotify_insights.web.documents import TaskAccepted
from spotify_insights.web.hot_reads import PAGE_RESPONSES
from spotify_insights.web.idempotency import REPLAYED, KeyedRequest, KeyedUpload, UploadKey, respond_once
from spotify_insights.web.limited import limited
from spotify_insights.web.limits.policy import LimitClass
from spotify_insights.web.multipart_form import FILE_FIELD, MULTIPART
from spotify_insights.web.pagination import Cursor, Cursors, Limit
from spotify_insights.web.parameters import UserId
from spotify_insights.web.problems import problem_responses
from spotify_insights.web.uploads import Received, drop_received, receive_upload

router = APIRouter(prefix="/api/listening", tags=["Listening"])
_CURSORS = Cursors("imports")
IMPORT_ID: Final = "01936e5c-b3d9-7e21-8f02-5f6e7d8c9b0a"
ImportId = Annotated[
    UUID, Path(description="The import, as the task's result named it.", examples=[IMPORT_ID])
]
DryRun = Annotated[bool, Query(description="Only find out what the import would bring; nothing is stored.")]
_FORM: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            MULTIPART: {
                "schema": {
                    "type": "object",
                    "properties": {
                        FILE_FIELD: {
                            "type": "string",
                            "format": "binary",
                            "description": "The zip that Spotify sent, or one of the JSON files in it.",
                        }
                    },
                    "required": [FILE_FIELD],
                }
            }
        },
    }
}


class ReceiptDocument(BaseModel):
    """What became of each row of the file. All but `rows` and `incognito` add up to `rows`."""

    rows: int
    plays: int = Field(description="Kept, and played for 30 seconds or more.")
    skips: int = Field(description="Kept, and played for less.")
    duplicates: int = Field(description="Stored before, or twice in the file.")
    superseded: int = Field(description="Kept aside: the extended history tells the same plays.")
    podcasts: int
    audiobooks: int
    incognito: int = Field(description="Played in a private session; counted above as well.")
    unnamed: int = Field(description="Without any name; not kept.")
    bad: int = Field(description="Make no sense; not kept.")


class ImportDocument(Documented):
    """A file that was imported."""

    example: ClassVar = {
        "import_id": IMPORT_ID,
        "file_name": "my_spotify_data.zip",
        "size_bytes": 31_457_280,
        "imported_at": "2026-11-22T09:15:00.000Z",
        "first_play_at": "2014-03-01T18:20:11.000Z",
        "last_play_at": "2026-11-01T07:02:45.000Z",
        "receipt": {
            "rows": 1330,
            "plays": 1204,
            "skips": 96,
            "duplicates": 12,
            "superseded": 0,
            "podcasts": 15,
            "audiobooks": 0,
            "incognito": 7,
            "unnamed": 3,
            "bad": 0,
        },
    }

    import_id: UUID
    file_name: str
    size_bytes: int
    imported_at: datetime
    first_play_at: datetime | None = Field(
        description="When the first play that it tells ended; videos aside. Null where it tells no other."
    )
    last_play_at: datetime | None
    receipt: ReceiptDocument


@router.post(
    "/import",
    status_code=202,
    response_model=TaskAccepted,
    responses={**ACCEPTED_RESPONSE, **problem_responses(400, 404, 409, 413, 415, 422)},
    dependencies=[limited(LimitClass.UPLOAD)],
    openapi_extra=_FORM,
)
async def import_export(
    request: Request,
    runtime: RuntimeDep,
    keyed: KeyedUpload,
    actor: Annotated[Actor, acting_for_listener(Scope.LISTENING_WRITE)],
    user_id: UserId,
    dry_run: DryRun = False,  # noqa: FBT002  # a flag of the query
) -> Response:
    """Import a privacy export of Spotify's in the background; the task's result names the import.

    The result also has the receipt: what became of each row of the file. Importing a file again adds
    nothing. A file that is no export makes the task fail, with a sentence that says why.
    """
    received = await receive_upload(request, runtime, user_id, acting_for=actor)
    try:
        response = await run_in_threadpool(
            _queue, runtime, keyed, user_id, received, dry_run=dry_run, acting_for=actor
        )
    except BaseException:
        await drop_received(runtime, user_id, received.upload.file_id, acting_for=actor)
        raise
    if REPLAYED in response.headers:
        await drop_received(runtime, user_id, received.upload.file_id, acting_for=actor)
    return response


def _queue(
    runtime: Runtime, keyed: UploadKey, user_id: UUID, received: Received, *, dry_run: bool, acting_for: Actor
) -> Response:
    with runtime.database.transaction(acting_for=acting_for) as tx:
        return respond_once(
            tx,
            keyed.request(received.name.encode(), received.upload.sha256.encode()),
            lambda: accepted(request_import(tx, user_id, received.upload, dry_run=dry_run)),
            about=user_id,
        )


@router.get(
    "/imports",
    response_model=list[ImportDocument],
    responses={**PAGE_RESPONSES, **problem_responses(404, 422)},
)
async def read_imports(
    request: Request,
    reads: HotReadsDep,
    actor: Annotated[Actor, acting_for_listener(Scope.LISTENING_READ)],
    user_id: UserId,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Response:
    """The listener's imports that were not undone, the newest first."""
    return await reads.page(
        request,
        import_documents(user_id, limit=limit, before=_CURSORS.entry_id(cursor)),
        acting_for=actor,
        missing="There is no such user.",
        cursors=_CURSORS,
    )


@router.delete(
    "/imports/{import_id}",
    status_code=202,
    response_model=TaskAccepted,
    responses={**ACCEPTED_RESPONSE, **problem_responses(404, 409, 422)},
)
def undo(
    runtime: RuntimeDep,
    keyed: KeyedRequest,
    actor: Annotated[Actor, acting_for_caller(Scope.LISTENING_WRITE)],
    import_id: ImportId,
) -> Response:
    """Undo an import in the background, as if it had never been.

    What other imports tell, too, stays, and what it had kept aside counts again.
    """
    with runtime.database.transaction(acting_for=actor) as tx:
        requested: list[RequestedUndo] = []

        def respond() -> Any:
            requested.append(request_undo(tx, import_id, acting_for=actor))
            return accepted(requested[0].task_id)

        return respond_once(tx, keyed, respond, about=lambda: requested[0].user_id)
