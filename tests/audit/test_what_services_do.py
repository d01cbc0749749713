"""What a service does for its users is on record, and their exports say that it was not they."""

import json
from uuid import UUID

import psycopg
from starlette.testclient import TestClient

from access_trials import a_service, an_api_key, bearer, required_client
from conftest import Servers
from jobs_inline import work_off
from spotify_insights.runtime import Runtime
from stored_exports import exported

__all__ = ["required_client"]

TOKENS = {"access_token": "BQD...", "refresh_token": "AQC...", "expires_in": 3600}


def test_registering_connecting_and_exporting_leave_records_of_the_service(
    required_client: TestClient, runtime: Runtime, empty: Servers
) -> None:
    service = a_service(runtime)
    headers = bearer(an_api_key(runtime, service))

    identity = {"spotify_user_id": "robin"}
    answers = [required_client.post("/api/users/register", json=identity, headers=headers) for _ in range(2)]
    user_id = answers[0].json()["user_id"]
    required_client.post("/api/tokens/store", json={"user_id": user_id, **TOKENS}, headers=headers)
    required_client.post(f"/api/users/{user_id}/export", headers=headers)
    work_off(runtime)

    with psycopg.connect(empty.database_url) as connection:
        recorded = connection.execute(
            "SELECT event, actor_role, actor_hash, request_id IS NOT NULL FROM audit_log"
            " WHERE subject_hash = %s ORDER BY id",
            [runtime.audit.pseudonym(UUID(user_id))],
        ).fetchall()
    by_service = ("service", runtime.audit.pseudonym(service), True)
    assert recorded == [
        ("registered", *by_service),
        ("tokens_stored", *by_service),
        ("export_requested", *by_service),
        ("exported", "system", None, False),
    ]
    seen = json.loads(exported(runtime, UUID(user_id))["audit_log.json"])
    assert [(each["event"], each["by_you"]) for each in seen] == [
        *((event, False) for event, *_ in recorded),
        ("export_requested", True),
    ]
