"""What Prometheus reads: the state of the queues, and what this process did, without an id in any label."""

import itertools
import re
from datetime import timedelta
from uuid import uuid4

import pytest
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text
from starlette.testclient import TestClient

from families import a_job
from makers import a_connected_user, a_user
from spotify_insights.accounts.call_budget import CallBudget, Purpose
from spotify_insights.database.actor import SYSTEM
from spotify_insights.jobs.job import JobStatus, Queue
from spotify_insights.jobs.models import Alert
from spotify_insights.runtime import Runtime
from spotify_insights.spotify.errors import QuotaExceededError

Labels = dict[str, str]


def scraped(client: TestClient) -> dict[str, Metric]:
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    return {family.name: family for family in text_string_to_metric_families(answer.text)}


def value(families: dict[str, Metric], name: str, **labels: str) -> float | None:
    """The sample of exactly these labels."""
    for family in families.values():
        for sample in family.samples:
            if sample.name == f"spotify_insights_{name}" and sample.labels == labels:
                return float(sample.value)
    return None


def test_the_queues_are_shown_as_they_stand(client: TestClient, runtime: Runtime) -> None:
    for status in (JobStatus.QUEUED, JobStatus.RUNNING, JobStatus.DEAD, JobStatus.DEAD, JobStatus.FAILED):
        a_job(runtime, status)
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        tx.session.add(
            Alert(kind="dead_jobs", subject="all", severity="critical", message="Look.", details={})
        )

    shown = scraped(client)

    assert value(shown, "jobs", queue="spotify", status="queued") == 1
    assert value(shown, "jobs", queue="spotify", status="running") == 1
    assert value(shown, "jobs", queue="spotify", status="dead") == 2
    assert (value(shown, "dead_jobs"), value(shown, "failed_jobs")) == (2, 1)
    assert value(shown, "open_alerts", kind="dead_jobs", subject="all", severity="critical") == 1
    waiting, lag = value(shown, "oldest_due_job_seconds", queue="spotify"), value(shown, "relay_lag_seconds")
    assert waiting is not None
    assert lag is not None
    assert 0 < waiting < 60
    assert 0 < lag < 60
    assert value(shown, "oldest_due_job_seconds", queue="insights") == 0
    # Nobody works here, so no canary ever sang: to say 0 would be to say that one just did.
    assert value(shown, "canary_age_seconds", queue="spotify") is None
    assert value(shown, "event_listeners") == 0


def test_every_queue_and_status_has_a_series_before_its_first_job(
    client: TestClient, runtime: Runtime
) -> None:
    a_job(runtime, JobStatus.DEAD)

    [jobs] = [family for name, family in scraped(client).items() if name == "spotify_insights_jobs"]

    shown = {(sample.labels["queue"], sample.labels["status"]): sample.value for sample in jobs.samples}
    assert shown == dict.fromkeys(itertools.product(Queue, JobStatus), 0) | {("spotify", "dead"): 1}
    assert len(jobs.samples) == len(shown)


def test_nobody_connected_and_nothing_asked_is_zero_and_no_time_to_renew(client: TestClient) -> None:
    shown = scraped(client)

    assert value(shown, "spotify_calls_today") == 0
    assert value(shown, "spotify_paused_seconds") == 0
    assert value(shown, "spotify_connections", status="connected") == 0
    assert value(shown, "spotify_connections", status="reauth_required") == 0
    assert value(shown, "spotify_reauthorization_days") is None


def test_the_budget_of_calls_and_a_pause_are_shown(client: TestClient, runtime: Runtime) -> None:
    runtime.spotify.budget.reserve(17, purpose=Purpose.ASKED_FOR)
    # Of another app, as after a change of the client id.
    other = CallBudget(runtime.database, client_id="another", calls_per_day=600)
    other.reserve(5, purpose=Purpose.ASKED_FOR)
    other.pause(QuotaExceededError(retry_after=timedelta(hours=5)))

    shown = scraped(client)
    assert value(shown, "spotify_calls_today") == 17
    assert value(shown, "spotify_calls_per_day") == runtime.settings.spotify_calls_per_day
    assert value(shown, "spotify_paused_seconds") == 0

    runtime.spotify.budget.pause(QuotaExceededError(retry_after=timedelta(hours=2)))
    paused = value(scraped(client), "spotify_paused_seconds")
    assert paused == pytest.approx(2 * 3600, abs=60)

    change(runtime, "UPDATE spotify_app_pauses SET not_before = clock_timestamp() - interval '1 s'")
    assert value(scraped(client), "spotify_paused_seconds") == 0


def test_connections_are_counted_and_the_soonest_end_is_told(client: TestClient, runtime: Runtime) -> None:
    soon, late, ended = (a_connected_user(runtime) for _ in range(3))
    for user_id, days in ((soon, 12), (late, 100), (ended, 1)):
        change(
            runtime,
            "UPDATE spotify_tokens SET refresh_expires_at = clock_timestamp() + make_interval(days => :days)"
            " WHERE user_id = :user_id",
            user_id=user_id,
            days=days,
        )
    change(
        runtime,
        "UPDATE spotify_tokens SET status = 'reauth_required' WHERE user_id = :user_id",
        user_id=ended,
    )

    shown = scraped(client)

    assert value(shown, "spotify_connections", status="connected") == 2
    assert value(shown, "spotify_connections", status="reauth_required") == 1
    assert value(shown, "spotify_reauthorization_days") == pytest.approx(12, abs=0.01)


def test_gaps_are_counted_until_an_import_fills_them_and_name_nobody(
    client: TestClient, runtime: Runtime
) -> None:
    shown = scraped(client)
    assert (value(shown, "listening_gaps"), value(shown, "listeners_with_gaps")) == (0, 0)

    often, once, filled = (a_user(runtime) for _ in range(3))
    for user_id, since, until in (
        (often, "2026-11-01", "2026-11-02"),
        (often, "2026-11-08", "2026-11-09"),
        (once, None, "2026-11-03"),
        (filled, "2026-11-05", "2026-11-06"),
    ):
        change(
            runtime,
            "INSERT INTO listening_gaps (id, user_id, since, until)"
            " VALUES (:id, :user_id, CAST(:since AS timestamptz), CAST(:until AS timestamptz))",
            id=uuid4(),
            user_id=user_id,
            since=since,
            until=until,
        )
    # Of one listener everything is told by now, of another the half of a gap.
    for user_id, first, last in (
        (filled, "2026-11-01", "2026-11-10"),
        (often, "2026-11-01", "2026-11-01 12:00"),
    ):
        change(
            runtime,
            "INSERT INTO imports (id, user_id, file_name, size_bytes, receipt, first_play_at, last_play_at)"
            " VALUES (:id, :user_id, 'history.zip', 1, '{}',"
            " CAST(:first AS timestamptz), CAST(:last AS timestamptz))",
            id=uuid4(),
            user_id=user_id,
            first=first,
            last=last,
        )

    shown = scraped(client)
    assert (value(shown, "listening_gaps"), value(shown, "listeners_with_gaps")) == (3, 2)
    text_shown = client.get("/metrics").text
    assert not any(str(user_id) in text_shown for user_id in (often, once, filled))

    change(runtime, "DELETE FROM imports")
    shown = scraped(client)
    assert (value(shown, "listening_gaps"), value(shown, "listeners_with_gaps")) == (4, 3)


def change(runtime: Runtime, statement: str, **parameters: object) -> None:
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        tx.session.execute(text(statement), parameters)


def test_what_the_relay_of_this_process_does_is_counted(lasting_client: TestClient) -> None:
    assert "spotify_insights_relay_broker_failures" in scraped(lasting_client)


@pytest.mark.parametrize(
    ("method", "address", "labels"),
    [
        ("GET", "/api/tasks/{id}", {"method": "GET", "route": "/api/tasks/{task_id}", "status": "404"}),
        ("HEAD", "/api/tasks/{id}", {"method": "HEAD", "route": "/api/tasks/{task_id}", "status": "404"}),
        ("GET", "/api/tasks/x", {"method": "GET", "route": "/api/tasks/{task_id}", "status": "422"}),
        ("DELETE", "/api/tasks/{id}", {"method": "DELETE", "route": "/api/tasks/{task_id}", "status": "404"}),
        ("GET", "/health/live", {"method": "GET", "route": "/health/live", "status": "200"}),
        ("GET", "/{id}", {"method": "GET", "route": "other", "status": "404"}),
        ("PROPFIND", "/health/live", {"method": "other", "route": "other", "status": "405"}),
    ],
)
def test_requests_are_counted_by_route_and_not_by_address(
    lasting_client: TestClient, method: str, address: str, labels: Labels
) -> None:
    before = value(scraped(lasting_client), "http_requests_total", **labels) or 0

    for _ in range(2):
        lasting_client.request(method, address.format(id=uuid4()))

    assert value(scraped(lasting_client), "http_requests_total", **labels) == before + 2


def test_refusals_at_the_door_are_counted(lasting_client: TestClient) -> None:
    labels = {"method": "GET", "route": "other", "status": "403"}
    before = value(scraped(lasting_client), "http_requests_total", **labels) or 0

    lasting_client.get("/health/live", headers={"Host": "evil.example"})

    assert value(scraped(lasting_client), "http_requests_total", **labels) == before + 1


def test_the_time_until_an_answer_begins_is_measured(lasting_client: TestClient) -> None:
    labels = {"method": "GET", "route": "/health/live"}
    name = "http_request_duration_seconds"
    before = value(scraped(lasting_client), f"{name}_count", **labels) or 0

    lasting_client.get("/health/live")

    shown = scraped(lasting_client)
    assert value(shown, f"{name}_count", **labels) == before + 1
    total = value(shown, f"{name}_sum", **labels)
    assert total is not None
    assert total > 0


def test_no_id_of_anybody_is_a_label(client: TestClient, runtime: Runtime) -> None:
    user_id, task_id = a_user(runtime), a_job(runtime, JobStatus.DEAD)
    for address in (
        f"/api/users/{user_id}",
        f"/api/users/{user_id}/connections",
        f"/api/tasks/{task_id}",
        f"/api/tasks?user_id={user_id}",
        f"/nothing/{user_id}",
        f"/static/{user_id}",
        f"/swagger/{user_id}",
        f"/api/admin/jobs/{task_id}",
    ):
        client.get(address)

    for family in scraped(client).values():
        for sample in family.samples:
            for label in sample.labels.values():
                assert not re.search(r"[0-9a-f]{8}-[0-9a-f]{4}", label), sample


def test_names_and_explanations_are_as_prometheus_asks(lasting_client: TestClient) -> None:
    ours = [
        family for family in scraped(lasting_client).values() if family.name.startswith("spotify_insights_")
    ]

    assert len(ours) >= 10
    for family in ours:
        assert re.fullmatch(r"[a-z][a-z0-9_]*[a-z]", family.name)
        assert family.documentation.endswith(".")
        # A base unit at the end, plural, and no type in the name.
        assert not re.search(r"(_ms|_millis|_minutes|_gauge|_counter|_created)$", family.name)
        if family.type == "counter":
            assert all(sample.name.endswith("_total") for sample in family.samples)
