"""`Idempotency-Key` on a route: a parameter `KeyedRequest`, and `respond_once` in its transaction."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Final
from uuid import UUID

from anyio import to_thread
from fastapi import Depends, Header, Request
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response

from spotify_insights.database.database import Transaction
from spotify_insights.idempotency.answer import Answer, IdempotentRequest, answer_once
from spotify_insights.idempotency.errors import HEADER
from spotify_insights.idempotency.key import LONGEST_KEY, read_key
from spotify_insights.web.authorization import KnownCaller
from spotify_insights.web.dependencies import RuntimeDep
from spotify_insights.web.problems import problem_responses

REPLAYED: Final = "Idempotency-Replayed"
_KeyHeader = Annotated[
    str | None,
    Header(
        alias=HEADER,
        description="A value of your choice, new for each new request, in quotes or without. A request that "
        "is sent again with the same value within 24 hours gets the same answer, and nothing is done twice. "
        f"1 to {LONGEST_KEY} printable ASCII characters; a UUID is a good one.",
        examples=['"8e03978e-40d5-43dd-bc93-6894a57f9324"'],
    ),
]
_REPLAYED_HEADER: Final = {
    "description": "`true` where this answer was given before to the same Idempotency-Key.",
    "schema": {"type": "string", "enum": ["true"]},
}


@dataclass(frozen=True)
class UploadKey:
    """The key of a request whose body is too large to be held: what it carried is known at its end."""

    request: Callable[..., IdempotentRequest | None]
    """Called with the parts that tell one body from another; None where there is no key."""


async def _keyed_upload(
    request: Request, runtime: RuntimeDep, principal: KnownCaller, key: _KeyHeader = None
) -> UploadKey:
    if key is None:
        return UploadKey(lambda *_: None)
    scope = request.scope
    read = read_key(request.headers.getlist(HEADER))
    hasher = runtime.request_hasher
    if not hasher.is_ready:
        # Once in the life of the process.
        await to_thread.run_sync(hasher.prepare)
    named = request.method.encode(), scope["path"].encode(), scope["query_string"]
    return UploadKey(
        lambda *content: IdempotentRequest(
            caller=principal.name,
            route=f"{request.method} {scope['route'].path}",
            key=read,
            content=hasher.hash_of(*named, *content),
        )
    )


async def _keyed_request(
    request: Request, runtime: RuntimeDep, principal: KnownCaller, key: _KeyHeader = None
) -> IdempotentRequest | None:
    keyed = await _keyed_upload(request, runtime, principal, key)
    return None if key is None else keyed.request(await _body(request))


async def _body(request: Request) -> bytes:
    """The body, bounded by the middleware; it stays with the request, so FastAPI and we read it once."""
    try:
        return await request.body()
    except ClientDisconnect:
        # The middleware has read every body to its end: a client that is gone now sent none.
        return b""


KeyedRequest = Annotated[IdempotentRequest | None, Depends(_keyed_request)]
KeyedUpload = Annotated[UploadKey, Depends(_keyed_upload)]


def respond_once(
    tx: Transaction,
    keyed: IdempotentRequest | None,
    respond: Callable[[], JSONResponse],
    *,
    about: UUID | Callable[[], UUID] | None = None,
) -> Response:
    """The response of `respond`; the first one again, where a request with a key was answered before.

    Of the response, status, body and `Location` are kept. The body must hold no secret.

    Args:
        tx: the transaction that all of the request's effects belong to.
        about: the user whom the answer is about; a function, where only answering shows who that is.

    Raises: as `answer_once`.
    """
    if keyed is None:
        return respond()
    answer = answer_once(tx, keyed, lambda: _answer(respond(), about))
    response = JSONResponse(answer.body, status_code=answer.status)
    if answer.location is not None:
        response.headers["Location"] = answer.location
    if answer.replayed:
        response.headers[REPLAYED] = "true"
    return response


def document_keys(schema: dict[str, Any]) -> None:
    """Add to every operation that takes a key what it may answer because of that.

    Args:
        schema: the OpenAPI document, changed in place.
    """
    for operations in schema["paths"].values():
        for operation in operations.values():
            if not any(parameter["name"] == HEADER for parameter in operation.get("parameters", [])):
                continue
            answers = operation["responses"]
            for status, answer in problem_responses(400, 409, 422).items():
                answers.setdefault(str(status), answer)
            for status, answer in answers.items():
                if status.startswith("2"):
                    answer.setdefault("headers", {})[REPLAYED] = _REPLAYED_HEADER


def _answer(response: JSONResponse, about: UUID | Callable[[], UUID] | None) -> Answer:
    return Answer(
        owner_id=about() if callable(about) else about,
        status=response.status_code,
        body=json.loads(bytes(response.body)),
        location=response.headers.get("Location"),
    )
