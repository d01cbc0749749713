"""What the OpenAPI document promises is what the API does, for any input that Schemathesis can think of."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote
from uuid import uuid4
from zoneinfo import available_timezones

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import strategies as st
from schemathesis.engine import events, from_schema
from schemathesis.python.asgi import shutdown_lifespans
from sqlalchemy import text
from starlette.testclient import TestClient

from jobs_inline import work_off
from makers import a_connected_user
from spotify_insights.database.actor import SYSTEM
from spotify_insights.database.role import DatabaseRole
from spotify_insights.insights.types import InsightType
from spotify_insights.runtime import Runtime
from spotify_insights.settings import Settings
from spotify_insights.web import task_events
from spotify_insights.web.app import create_app
from spotify_insights.web.parameters import INSIGHT_ID, JOB_ID, SNAPSHOT_ID, TASK_ID, USER_ID

LISTS = (
    "/api/tasks",
    "/api/listening/snapshots",
    "/api/insights/user/{user_id}",
    "/api/admin/jobs",
    "/api/admin/dead-letters",
)


@dataclass
class Outcome:
    """What a run found: the failures in words, and the statuses that each operation answered."""

    failures: list[str] = field(default_factory=list)
    statuses: dict[str, set[int]] = field(default_factory=dict)

    def record(self, event: events.EngineEvent) -> None:
        """Take in what an event of the run says."""
        if isinstance(event, events.NonFatalError | events.FatalError):
            self.failures.append(repr(event))
        if not isinstance(event, events.ScenarioFinished):
            return
        recorder = event.recorder
        for case_id, checks in recorder.checks.items():
            for check in checks:
                if check.failure_info is not None:
                    failure = check.failure_info.failure
                    self.failures.append(f"{check.name}: {failure.message}\n{check.failure_info.code_sample}")
            answer = recorder.interactions[case_id].response
            if answer is not None:
                label = recorder.cases[case_id].value.operation.label
                self.statuses.setdefault(label, set()).add(answer.status_code)


@dataclass(frozen=True)
class Stored:
    """A listener who has at least two of everything, and one of each."""

    ids: dict[str, str]


@pytest.fixture
def stored(client: TestClient, runtime: Runtime) -> Stored:
    user_id = str(a_connected_user(runtime))
    for time_range in ("short_term", "medium_term"):
        client.post("/api/listening/ingest", params={"user_id": user_id, "time_range": time_range})
    work_off(runtime)
    [snapshot, _] = client.get("/api/listening/snapshots", params={"user_id": user_id}).json()
    for insight_type in ("wellness", "roast"):
        order = {"snapshot_id": snapshot["snapshot_id"], "insight_type": insight_type}
        client.post("/api/insights/generate", params=order)
    work_off(runtime)
    [insight, _] = client.get(f"/api/insights/user/{user_id}").json()
    [_, *failed] = client.get("/api/tasks", params={"user_id": user_id}).json()
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        statement = text(
            "UPDATE background_jobs SET status = 'failed', error_code = 'x' WHERE id = ANY(:ids)"
        )
        tx.session.execute(statement, {"ids": [task["task_id"] for task in failed]})
    waiting = client.post("/api/listening/ingest", params={"user_id": user_id, "time_range": "long_term"})
    return Stored(
        {
            USER_ID: user_id,
            SNAPSHOT_ID: snapshot["snapshot_id"],
            INSIGHT_ID: insight["insight_id"],
            TASK_ID: waiting.json()["task_id"],
            JOB_ID: failed[0]["task_id"],
        }
    )


@pytest.fixture
def app(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[FastAPI]:
    # Nobody works here, so the streams of waiting tasks would last as long as they may.
    monkeypatch.setattr(task_events, "LONGEST_STREAM_SECONDS", 0.01)
    yield create_app(
        Runtime.from_settings(settings, role=DatabaseRole.API, process="spotify-insights api"),
        with_relay=False,
    )
    shutdown_lifespans()


@pytest.fixture
def document(app: FastAPI, stored: Stored, client: TestClient) -> dict[str, Any]:
    """The document, its examples naming what is stored, and its rules that JSON Schema cannot express."""
    written = json.dumps(app.openapi())
    for example, real in stored.ids.items():
        written = written.replace(example, real)
    document: dict[str, Any] = json.loads(written)
    schemathesis.openapi.format("iana-timezone", st.sampled_from(sorted(available_timezones())))
    user_id = stored.ids[USER_ID]
    for path in LISTS:
        link = client.get(path.format(user_id=user_id), params={"user_id": user_id, "limit": 1}).headers[
            "link"
        ]
        match = re.search(r"cursor=([^&>]+)", link)
        assert match is not None
        schemathesis.openapi.format(f"cursor of {path}", st.just(unquote(match[1])))
        [cursor] = [p for p in document["paths"][path]["get"]["parameters"] if p["name"] == "cursor"]
        cursor["schema"] = {"type": "string", "format": f"cursor of {path}"}
    # The stored snapshot is of no week.
    order = document["paths"]["/api/insights/generate"]["post"]["parameters"]
    [kind] = [parameter for parameter in order if parameter["name"] == "insight_type"]
    kind["schema"] = {"type": "string", "enum": [each for each in InsightType if each != "weekly"]}
    return document


@schemathesis.hook("before_call")
def renew_key(_context: schemathesis.HookContext, case: schemathesis.Case[Any], **_: object) -> None:
    """A new request has a new key: a rule about two requests, which no schema of one can express."""
    if "Idempotency-Key" in case.headers:
        case.headers["Idempotency-Key"] = str(uuid4())


def explored(app: FastAPI, document: dict[str, Any], *, examples: int, reproducible: bool) -> Outcome:
    """Every phase of Schemathesis over the application in this process."""
    schema = schemathesis.openapi.from_dict(document)
    schema.app = app
    schema.config.update(base_url="http://127.0.0.1:8000", continue_on_failure=True)
    schema.config.generation.update(max_examples=examples, deterministic=reproducible)
    # DELETE cancels work, of which the record stays.
    schema.config.checks.update(excluded_check_names=["use_after_free"])
    outcome = Outcome()
    for event in from_schema(schema).execute():
        outcome.record(event)
    return outcome


def assert_kept(outcome: Outcome, document: dict[str, Any]) -> None:
    assert outcome.failures == [], "\n\n".join(outcome.failures)
    operations = {f"{method.upper()} {path}" for path, item in document["paths"].items() for method in item}
    assert outcome.statuses.keys() == operations
    # Nothing was only ever refused: the promises about success were put to the test, too.
    assert not [
        name for name, statuses in outcome.statuses.items() if not any(200 <= s < 300 for s in statuses)
    ]


def test_the_api_does_what_its_document_says(app: FastAPI, document: dict[str, Any]) -> None:
    assert_kept(explored(app, document, examples=15, reproducible=True), document)


@pytest.mark.slow
def test_the_api_does_what_its_document_says_for_a_long_time(app: FastAPI, document: dict[str, Any]) -> None:
    assert_kept(explored(app, document, examples=400, reproducible=False), document)


def test_a_broken_promise_is_noticed(app: FastAPI, document: dict[str, Any]) -> None:
    user = document["components"]["schemas"]["UserDocument"]["properties"]
    user["timezone"] = {"type": "integer"}
    del document["paths"]["/api/tasks/{task_id}"]["get"]["responses"]["422"]
    document["paths"] = {
        path: document["paths"][path] for path in ("/api/users/{user_id}", "/api/tasks/{task_id}")
    }

    noticed = "\n".join(explored(app, document, examples=2, reproducible=True).failures)

    assert "response_schema_conformance" in noticed
    assert "status_code_conformance" in noticed
