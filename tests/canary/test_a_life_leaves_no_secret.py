"""A whole life in the service, and every place where it leaves something; the canary run looks after it."""

from starlette.testclient import TestClient

from canaries import ACCESS_TOKEN, known_canaries
from canary_sinks import leaks_of_redis, leaks_of_rows
from jobs_inline import work_off
from makers import a_connected_user
from owner_connection import OwnerConnection
from spotify_insights.jobs.celery_app import create_celery
from spotify_insights.jobs.relay.publisher import CeleryPublisher
from spotify_insights.jobs.relay.relay import Relay
from spotify_insights.runtime import Runtime


def test_messages_metrics_and_exports_hold_no_secret(
    client: TestClient, runtime: Runtime, owner_connection: OwnerConnection
) -> None:
    user_id = a_connected_user(runtime)
    client.post("/api/listening/ingest", params={"user_id": str(user_id)})
    with create_celery(runtime.settings.redis_url.get_secret_value()) as app:
        relay = Relay(runtime.relay_database, CeleryPublisher(app))
        assert relay.publish_due() == 1
    assert owner_connection.redis.llen("spotify") == 1
    work_off(runtime)
    client.post(f"/api/users/{user_id}/export")
    work_off(runtime)
    [export] = client.get(f"/api/users/{user_id}/exports").json()
    link = client.post(f"/api/users/{user_id}/exports/{export['export_id']}/link").json()
    zipped = client.get(link["url"]).content

    assert "spotify_insights_spotify_connections" in client.get("/metrics").text
    canaries = known_canaries()
    assert ACCESS_TOKEN.encode() not in zipped
    assert canaries.found_in(zipped) == []
    assert leaks_of_rows(owner_connection, canaries) == []
    assert leaks_of_redis(owner_connection, canaries) == []
