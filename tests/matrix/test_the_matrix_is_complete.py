"""Nothing that is added to the API escapes the matrix: no operation, no id, no answer with a secret."""

from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, Final

import pytest
from fastapi import FastAPI, Security
from fastapi.security import HTTPBearer
from pydantic import BaseModel

from access_trials import required_settings
from operations import Document, Operation, operations_of, secret_fields
from request_table import PUBLIC, REQUESTS, Id, Request
from spotify_insights.access.scopes import Scope
from spotify_insights.database.actor import Actor
from spotify_insights.database.role import DatabaseRole
from spotify_insights.runtime import Runtime
from spotify_insights.settings import Settings
from spotify_insights.web.app import create_app
from spotify_insights.web.authorization import acting_for_caller

SECRET_NAMES: Final = ("token", "hash", "sealed", "password", "secret", "verifier", "cookie", "pepper")

# Fields of answers that are called like a secret.
SHOWN_ALL_THE_SAME: Final[Mapping[str, str]] = {
    "SnapshotDocument.content_hash": "tells snapshots apart, and whoever sees it sees the content, too",
    "Tokens.access_token": "what the operation is for: whoever shows a key or password gets it once",
    "Tokens.refresh_token": "likewise",
    "Tokens.token_type": "always Bearer",
}

# What is called like the id of somebody's thing and is none.
NO_ID_OF_OURS: Final[Mapping[str, str]] = {
    "POST /api/users/register: spotify_user_id": "Spotify's own name of somebody who may be unknown here",
}


@pytest.fixture
def app(settings: Settings) -> Iterator[FastAPI]:
    runtime = Runtime.from_settings(required_settings(settings), role=DatabaseRole.API)
    yield create_app(runtime, with_relay=False)
    runtime.close()


def flaws(document: Document) -> Iterator[str]:
    """What the matrix does not know of this API, as sentences."""
    for name, operation in operations_of(document).items():
        if (operation.scope is None) != (name in PUBLIC):
            yield (
                f"{name} asks for no scope. Take one of web/authorization.py, or say in PUBLIC why not."
                if operation.scope is None
                else f"{name} is called public and asks for {operation.scope}."
            )
        if name not in REQUESTS:
            yield f"{name} is missing in REQUESTS: say there how to send it, and whose ids it names."
        else:
            yield from _flaws_of_request(document, operation, REQUESTS[name])
    for field in secret_fields(document, SECRET_NAMES):
        if field not in SHOWN_ALL_THE_SAME:
            yield f"The answer {field} is called like a secret. Rename it, or say why it may be shown."


def _flaws_of_request(document: Document, operation: Operation, request: Request) -> Iterator[str]:
    unsaid = operation.required - request.named
    if unsaid:
        yield f"{operation.name} needs {sorted(unsaid)}, and its request in REQUESTS does not give it."
    if operation.has_body != (request.body is not None or request.has_file):
        yield f"{operation.name} and its request in REQUESTS do not agree whether there is a body."
    values = {**request.path, **request.query, **(request.body or {})}
    for name in sorted(operation.parameters | _body_fields(document, operation)):
        if (
            name.endswith("_id")
            and not isinstance(values.get(name), Id)
            and f"{operation.name}: {name}" not in NO_ID_OF_OURS
        ):
            yield f"{operation.name} takes the id {name}, and its request in REQUESTS does not swap it."


def _body_fields(document: Document, operation: Operation) -> set[str]:
    if not operation.has_body:
        return set()
    declared = document["paths"][operation.path][operation.method.lower()]["requestBody"]
    ((_, content),) = declared["content"].items()
    schema = content["schema"]
    waiting, fields = [schema], set[str]()
    while waiting:
        schema = waiting.pop()
        if "$ref" in schema:
            waiting.append(document["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
        waiting += [one for key in ("oneOf", "anyOf", "allOf") for one in schema.get(key, [])]
        fields |= {*schema.get("properties", {})}
    return fields


class Diary(BaseModel):
    """A careless answer."""

    pages: list[str]
    password_hash: str


class Entry(BaseModel):
    page_id: str


def open_to_everybody() -> None:
    """Asks for nothing."""


def read_diary(_actor: Annotated[Actor, acting_for_caller(Scope.LISTENING_READ)]) -> Diary:
    """Asks for a scope, and shows too much."""
    return Diary(pages=[], password_hash="")


def add_entry(
    _actor: Annotated[Actor, acting_for_caller(Scope.LISTENING_WRITE)], diary_id: str, body: Entry
) -> str:
    """Takes two ids."""
    return diary_id + body.page_id


def only_programs(
    _token: Annotated[Any, Security(HTTPBearer(scheme_name="bearer"), scopes=["profile:read"])],
) -> None:
    """Forgets browsers."""


def two_scopes(
    _one: Annotated[Actor, acting_for_caller(Scope.LISTENING_READ)],
    _two: Annotated[Actor, acting_for_caller(Scope.INSIGHTS_READ)],
) -> None:
    """Cannot decide."""


def test_the_matrix_covers_every_operation(app: FastAPI) -> None:
    assert list(flaws(app.openapi())) == []


def test_the_matrix_names_nothing_that_is_gone(app: FastAPI) -> None:
    document = app.openapi()
    there = operations_of(document).keys()

    assert REQUESTS.keys() <= there
    assert PUBLIC.keys() <= there
    assert {name.partition(":")[0] for name in NO_ID_OF_OURS} <= there
    assert SHOWN_ALL_THE_SAME.keys() <= {*secret_fields(document, SECRET_NAMES)}


def noticed(app: FastAPI, path: str, endpoint: Callable[..., Any], *methods: str) -> set[str]:
    """What becomes wrong by adding this route."""
    before = {*flaws(app.openapi())}
    app.openapi_schema = None
    app.add_api_route(path, endpoint, methods=[*methods])
    return {*flaws(app.openapi())} - before


def test_a_route_that_asks_for_nothing_is_noticed(app: FastAPI) -> None:
    assert noticed(app, "/api/diaries", open_to_everybody, "POST") == {
        "POST /api/diaries asks for no scope. Take one of web/authorization.py, or say in PUBLIC why not.",
        "POST /api/diaries is missing in REQUESTS: say there how to send it, and whose ids it names.",
    }


def test_a_route_that_the_matrix_cannot_send_is_noticed(app: FastAPI) -> None:
    assert noticed(app, "/api/diaries/{id}", read_diary, "GET") == {
        "GET /api/diaries/{id} is missing in REQUESTS: say there how to send it, and whose ids it names.",
        "The answer Diary.password_hash is called like a secret. Rename it, or say why it may be shown.",
    }


def test_an_id_that_the_matrix_does_not_swap_is_noticed(
    app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(REQUESTS, "POST /api/diaries", Request(query={"diary_id": "1"}))

    assert noticed(app, "/api/diaries", add_entry, "POST") == {
        "POST /api/diaries and its request in REQUESTS do not agree whether there is a body.",
        "POST /api/diaries takes the id diary_id, and its request in REQUESTS does not swap it.",
        "POST /api/diaries takes the id page_id, and its request in REQUESTS does not swap it.",
    }


@pytest.mark.parametrize(
    ("endpoint", "sentence"),
    [(only_programs, "can be asked with"), (two_scopes, "asks for")],
    ids=["one kind of credential", "two scopes"],
)
def test_a_route_of_another_kind_is_noticed(
    app: FastAPI, endpoint: Callable[..., None], sentence: str
) -> None:
    app.add_api_route("/api/diaries", endpoint)

    with pytest.raises(AssertionError, match=f"GET /api/diaries {sentence}"):
        list(flaws(app.openapi()))
