"""What the OpenAPI document promises is what the API does, for any input that Schemathesis can think of.

Two runs put every operation to the test: one where nobody has to say who they are, and one, with a key, of
what only somebody in particular can do or what ends that for which the first run needs it.
"""

from collections.abc import Collection, Iterator
from typing import Final
from uuid import uuid4

import pytest
from fastapi import FastAPI
from schemathesis.python.asgi import shutdown_lifespans
from sqlalchemy import text
from starlette.testclient import TestClient

from access_trials import (
    a_family,
    a_service,
    a_session,
    an_api_key,
    bearer,
    cookie_header,
    key_id_of,
    required_settings,
)
from canaries import ACCESS_TOKEN, REFRESH_TOKEN
from contract_trials import Document, Outcome, explored, naming, operations_of, teach_cursors
from jobs_inline import work_off
from makers import a_connected_user, a_user
from spotify_insights.access.scopes import SCOPES_OF_ROLE, UserRole
from spotify_insights.database.actor import SYSTEM
from spotify_insights.database.role import DatabaseRole
from spotify_insights.runtime import Runtime
from spotify_insights.settings import Settings
from spotify_insights.sign_in.models import LocalAccount
from spotify_insights.web import task_events
from spotify_insights.web.api.auth import KeyGrant
from spotify_insights.web.api.imports import IMPORT_ID
from spotify_insights.web.api.invitations import INVITATION_ID
from spotify_insights.web.api.keys import KEY_ID
from spotify_insights.web.api.privacy import EXPORT_ID
from spotify_insights.web.api.sessions import SESSION_ID
from spotify_insights.web.app import create_app
from spotify_insights.web.parameters import INSIGHT_ID, JOB_ID, SNAPSHOT_ID, TASK_ID, USER_ID
from stored_exports import made_export
from upload_trials import imported

NOBODYS: Final = "where nobody has to sign in, nobody in particular asks, and has one of these"
SIGNED_IN: Final = {
    "POST /api/auth/token": "it takes what was given to somebody",
    "GET /api/keys": NOBODYS,
    "DELETE /api/keys/{key_id}": NOBODYS,
    "GET /api/sessions": NOBODYS,
    "DELETE /api/sessions": NOBODYS,
    "DELETE /api/sessions/{session_id}": NOBODYS,
    "DELETE /api/users/{user_id}": "the listener of all other operations would be gone",
    "DELETE /api/users/{user_id}/connections/{provider}": "nothing could be ingested any more",
}
# Nobody makes a key with a key.
IN_PERSON: Final = "POST /api/keys"
EXAMPLES: Final = 7
EXAMPLES_OF_SOMEBODY: Final = 5


@pytest.fixture
def stored(client: TestClient, runtime: Runtime) -> dict[str, str]:
    """A listener who has at least two of everything, by the examples that stand for one of each."""
    a_user(runtime)
    user_id = a_connected_user(runtime)
    of_user = {"user_id": str(user_id)}
    for time_range in ("short_term", "medium_term"):
        client.post("/api/listening/ingest", params={**of_user, "time_range": time_range})
    work_off(runtime)
    [snapshot, _] = client.get("/api/listening/snapshots", params=of_user).json()
    for insight_type in ("wellness", "roast"):
        order = {"snapshot_id": snapshot["snapshot_id"], "insight_type": insight_type}
        client.post("/api/insights/generate", params=order)
    work_off(runtime)
    [insight, _] = client.get(f"/api/insights/user/{user_id}").json()
    [_, *failed] = client.get("/api/tasks", params=of_user).json()
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        statement = text(
            "UPDATE background_jobs SET status = 'failed', error_code = 'x' WHERE id = ANY(:ids)"
        )
        tx.session.execute(statement, {"ids": [task["task_id"] for task in failed]})
        # So that there is a password to forget.
        tx.session.add(LocalAccount(user_id=user_id, username="robin", password_hash="of nothing"))
    [import_id, _] = [imported(runtime, client, user_id)["import_id"] for _ in range(2)]
    export_id = made_export(runtime, user_id)
    [invitation, _] = [client.post("/api/admin/invitations", json={}).json() for _ in range(2)]
    waiting = client.post("/api/listening/ingest", params={**of_user, "time_range": "long_term"})
    return {
        USER_ID: str(user_id),
        SNAPSHOT_ID: snapshot["snapshot_id"],
        INSIGHT_ID: insight["insight_id"],
        TASK_ID: waiting.json()["task_id"],
        JOB_ID: failed[0]["task_id"],
        IMPORT_ID: import_id,
        EXPORT_ID: str(export_id),
        INVITATION_ID: invitation["link_id"],
    }


@pytest.fixture
def app(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[FastAPI]:
    # Nobody works here, so the streams of waiting tasks would last as long as they may.
    monkeypatch.setattr(task_events, "LONGEST_STREAM_SECONDS", 0.01)
    yield _app(settings)
    shutdown_lifespans()


@pytest.fixture
def document(app: FastAPI, stored: dict[str, str], client: TestClient) -> Document:
    """The document, its examples naming what is stored, and its rules that JSON Schema cannot express."""
    document = naming(app.openapi(), stored)
    teach_cursors(document, client, stored[USER_ID])
    return document


@pytest.fixture
def closed_app(settings: Settings) -> Iterator[FastAPI]:
    """The API that asks everybody who they are, as often as they like."""
    yield _app(
        required_settings(settings).model_copy(
            update={"requests_per_minute": 100_000, "sign_ins_per_minute": 100_000}
        )
    )
    shutdown_lifespans()


def somebody_of_a_service(client: TestClient, key: str) -> str:
    """A connected user whom the service with this key has registered."""
    person = {"spotify_user_id": f"listener-{uuid4()}"}
    user_id: str = client.post("/api/users/register", json=person, headers=bearer(key)).json()["user_id"]
    tokens = {"access_token": ACCESS_TOKEN, "refresh_token": REFRESH_TOKEN, "expires_in": 3600}
    answer = client.post("/api/tokens/store", json={"user_id": user_id, **tokens}, headers=bearer(key))
    assert answer.status_code == 201
    return user_id


def _app(settings: Settings) -> FastAPI:
    runtime = Runtime.from_settings(settings, role=DatabaseRole.API, process="spotify-insights api")
    return create_app(runtime, with_relay=False)


def assert_kept(outcome: Outcome, operations: Collection[str]) -> None:
    assert outcome.failures == [], "\n\n".join(outcome.failures)
    assert outcome.statuses.keys() == set(operations)
    # Nothing was only ever refused: the promises about success were put to the test, too.
    assert not [
        name for name, statuses in outcome.statuses.items() if not any(200 <= s < 300 for s in statuses)
    ]


def test_the_api_does_what_its_document_says(app: FastAPI, document: Document) -> None:
    operations = operations_of(document) - SIGNED_IN.keys() - {IN_PERSON}

    assert_kept(explored(app, document, operations, examples=EXAMPLES, reproducible=True), operations)


@pytest.mark.slow
def test_the_api_does_what_its_document_says_for_a_long_time(app: FastAPI, document: Document) -> None:
    operations = operations_of(document) - SIGNED_IN.keys() - {IN_PERSON}

    assert_kept(explored(app, document, operations, examples=400, reproducible=False), operations)


def test_it_does_so_for_somebody_and_refuses_everybody_else(
    closed_app: FastAPI, runtime: Runtime, client: TestClient
) -> None:
    # Of all roles only a service acts for others: for those whom it registered.
    service_id = a_service(runtime)
    key, spare = an_api_key(runtime, service_id), an_api_key(runtime, service_id)
    document = naming(
        closed_app.openapi(),
        {
            KeyGrant.example["api_key"]: key,
            KEY_ID: key_id_of(spare),
            SESSION_ID: str(a_family(runtime, service_id).session_id),
        },
        instead={
            "DELETE /api/users/{user_id}": {USER_ID: somebody_of_a_service(client, key)},
            "DELETE /api/users/{user_id}/connections/{provider}": {
                USER_ID: somebody_of_a_service(client, key)
            },
        },
    )

    # Nobody gives away more than they have.
    document["components"]["schemas"]["Scope"]["enum"] = sorted(SCOPES_OF_ROLE[UserRole.SERVICE])

    outcome = explored(
        closed_app,
        document,
        SIGNED_IN,
        examples=EXAMPLES_OF_SOMEBODY,
        reproducible=True,
        headers=bearer(key),
    )

    assert_kept(outcome, SIGNED_IN)
    # The check `ignored_auth` has asked with no and with wrong credentials.
    assert [name for name, statuses in outcome.statuses.items() if 401 not in statuses] == []


def test_it_does_so_for_somebody_with_a_browser(
    closed_app: FastAPI, runtime: Runtime, settings: Settings
) -> None:
    document = closed_app.openapi()
    document["components"]["schemas"]["Scope"]["enum"] = sorted(SCOPES_OF_ROLE[UserRole.USER])
    browser = cookie_header(settings, a_session(runtime, a_user(runtime)))

    outcome = explored(
        closed_app,
        document,
        [IN_PERSON],
        examples=EXAMPLES_OF_SOMEBODY,
        reproducible=True,
        headers=browser,
    )

    assert_kept(outcome, [IN_PERSON])


def test_a_broken_promise_is_noticed(app: FastAPI, document: Document) -> None:
    user = document["components"]["schemas"]["UserDocument"]["properties"]
    user["timezone"] = {"type": "integer"}
    del document["paths"]["/api/tasks/{task_id}"]["get"]["responses"]["422"]
    operations = ("GET /api/users/{user_id}", "GET /api/tasks/{task_id}")

    noticed = "\n".join(explored(app, document, operations, examples=2, reproducible=True).failures)

    assert "response_schema_conformance" in noticed
    assert "status_code_conformance" in noticed
