"""What a route has to do for keys: take one, and answer once. The rest follows, for any path and answer."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi.responses import JSONResponse
from sqlalchemy import text
from starlette.responses import Response
from starlette.testclient import TestClient

from as_owner import ANYBODY, as_owner
from problem_documents import reasons_of
from spotify_insights.database.actor import LOCAL
from spotify_insights.database.role import DatabaseRole
from spotify_insights.runtime import Runtime
from spotify_insights.settings import Settings
from spotify_insights.web.app import create_app
from spotify_insights.web.dependencies import RuntimeDep
from spotify_insights.web.idempotency import KeyedRequest, respond_once

KEY = {"Idempotency-Key": "8e03978e"}


def repeat(runtime: RuntimeDep, keyed: KeyedRequest, note_id: UUID, times: int = 1) -> Response:
    """Do something that shows when it is done twice."""
    with runtime.database.transaction(acting_for=LOCAL) as tx:

        def respond() -> JSONResponse:
            number = tx.session.scalar(text("SELECT nextval('notes')"))
            content = {"note": str(note_id), "times": times, "number": number}
            return JSONResponse(content, status_code=201, headers={"Location": f"/notes/{number}"})

        return respond_once(tx, keyed, respond)


@pytest.fixture
def client(settings: Settings, runtime: Runtime) -> Iterator[TestClient]:
    """The API with one address more."""
    as_owner(runtime.database.url, "CREATE SEQUENCE notes", f"GRANT ALL ON SEQUENCE notes TO {ANYBODY}")
    app = create_app(Runtime.from_settings(settings, role=DatabaseRole.API), with_relay=False)
    app.add_api_route("/api/notes/{note_id}/repeat", repeat, methods=["POST"], tags=["Notes"])
    with TestClient(app, base_url="http://127.0.0.1:8000", raise_server_exceptions=False) as started:
        yield started
    as_owner(runtime.database.url, "DROP SEQUENCE notes")


def test_a_repeated_request_is_done_once(client: TestClient) -> None:
    path = f"/api/notes/{uuid4()}/repeat"

    first, again = client.post(path, headers=KEY), client.post(path, headers=KEY)
    anew = client.post(path)

    assert (first.status_code, first.json()["number"], first.headers["location"]) == (201, 1, "/notes/1")
    assert (again.status_code, again.content, again.headers["location"]) == (201, first.content, "/notes/1")
    assert anew.json()["number"] == 2


def test_the_key_of_one_object_does_not_count_for_another(client: TestClient) -> None:
    client.post(f"/api/notes/{uuid4()}/repeat", headers=KEY)

    answer = client.post(f"/api/notes/{uuid4()}/repeat", headers=KEY)

    reasons_of(answer, 422, "idempotency_key_reused")


@pytest.mark.parametrize("other", [{"params": {"times": 2}}, {"json": {"unasked": True}}])
def test_whatever_a_request_carries_belongs_to_it(client: TestClient, other: dict[str, Any]) -> None:
    path = f"/api/notes/{uuid4()}/repeat"
    client.post(path, headers=KEY)

    reasons_of(client.post(path, headers=KEY, **other), 422, "idempotency_key_reused")


def test_a_new_route_is_documented_without_a_word(client: TestClient) -> None:
    operation = client.get("/openapi.json").json()["paths"]["/api/notes/{note_id}/repeat"]["post"]

    assert "Idempotency-Key" in {parameter["name"] for parameter in operation["parameters"]}
    assert operation["responses"].keys() >= {"400", "409", "422"}
    assert "Idempotency-Replayed" in operation["responses"]["200"]["headers"]
