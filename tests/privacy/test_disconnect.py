"""Disconnecting takes the tokens at once and what they brought soon after, and nothing else."""

import json
from uuid import UUID, uuid4

import psycopg
import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from conftest import Servers
from full_life import a_full_life, every_row
from ingestions import ACCESS_TOKEN, REFRESH_TOKEN, a_listener, ingested
from jobs_inline import job_row, queued_jobs, work_off
from leaving import make_due
from makers import a_connected_user
from spotify_insights.accounts.register import Identity, add_identity
from spotify_insights.database.actor import SYSTEM, Actor
from spotify_insights.insights.jobs import GenerateRoast
from spotify_insights.insights.types import ToneMode
from spotify_insights.jobs.attempt import JobCancelledError
from spotify_insights.jobs.claim import claim
from spotify_insights.jobs.enqueue import enqueue
from spotify_insights.jobs.privacy import cancel_jobs_of
from spotify_insights.listening.jobs import IngestListeningData
from spotify_insights.runtime import Runtime
from stored_rows import a_snapshot, a_waiting_task, an_insight


def disconnect(client: TestClient, user_id: UUID, provider: str = "spotify", **query: str) -> str:
    answer = client.delete(f"/api/users/{user_id}/connections/{provider}", params=query)
    assert answer.status_code == 202, answer.text
    return str(answer.headers["Location"])


def sources(empty: Servers, user_id: UUID) -> set[str]:
    return {json.loads(row)["source"] for row in every_row(empty, where=("their", user_id))["plays"]}


def count(empty: Servers, table: str, user_id: UUID) -> int:
    return len(every_row(empty, where=("their", user_id))[table])


def test_tokens_and_what_spotify_said_are_gone_before_the_answer(client: TestClient, empty: Servers) -> None:
    life, other = a_full_life(empty), a_full_life(empty)
    untouched = every_row(empty, where=("the other one", other.user_id))

    disconnect(client, life.user_id)

    for table in ("spotify_tokens", "reauthorization_reminders", "recently_played_polls"):
        assert count(empty, table, life.user_id) == 0, table
    profile = client.get(f"/api/users/{life.user_id}").json()
    # The name stays: it belongs to the account with a name and a password. So does the way in through that.
    assert (profile["email"], profile["display_name"]) == (None, life.values["name"])
    assert profile["identities"] == []
    assert count(empty, "listenbrainz_tokens", life.user_id) == 1
    assert every_row(empty, where=("the other one", other.user_id)) == untouched


@pytest.mark.parametrize(("keep_uploads", "kept"), [("false", set()), ("true", {"spotify_export"})])
def test_the_purge_takes_plays_snapshots_and_insights(
    client: TestClient, runtime: Runtime, empty: Servers, keep_uploads: str, kept: set[str]
) -> None:
    life, other = a_full_life(empty), a_full_life(empty)
    untouched = every_row(empty, where=("the other one", other.user_id))
    assert client.get(f"/api/insights/{life.values['id_insight']}").status_code == 200

    task = disconnect(client, life.user_id, keep_uploads=keep_uploads)
    work_off(runtime)

    done = client.get(task).json()
    assert (done["status"], done["result"]["snapshots"]) == ("SUCCESS", 1)
    assert sources(empty, life.user_id) == kept
    for table in ("listening_snapshots", "generated_insights"):
        assert count(empty, table, life.user_id) == 0, table
    assert client.get(f"/api/insights/{life.values['id_insight']}").status_code == 404
    assert client.get("/api/listening/snapshots", params={"user_id": str(life.user_id)}).json() == []
    assert every_row(empty, where=("the other one", other.user_id)) == untouched
    tracks = {json.loads(row)["spotify_id"] for row in every_row(empty)["tracks"]}
    assert "track-of-everybody" in tracks
    assert (life.values["own_track"] in tracks) == bool(kept)
    assert life.values["own_top_track"] not in tracks
    assert len(every_row(empty)["artists"]) == len(every_row(empty)["tracks"])


def test_cached_answers_about_what_was_purged_are_served_no_more(
    client: TestClient, runtime: Runtime
) -> None:
    user_id = a_connected_user(runtime)
    insight = f"/api/insights/{an_insight(runtime, user_id, a_snapshot(runtime, user_id))}"
    listed = f"/api/listening/snapshots?user_id={user_id}"
    assert [client.get(path).status_code for path in (insight, insight, listed, listed)] == [200] * 4
    disconnect(client, user_id)
    work_off(runtime)
    assert client.get(insight).status_code == 404
    assert client.get(listed).json() == []


def test_the_way_to_sign_in_stays_where_it_is_the_only_one(client: TestClient, runtime: Runtime) -> None:
    user_id = a_connected_user(runtime)
    disconnect(client, user_id)
    profile = client.get(f"/api/users/{user_id}").json()
    assert [identity["provider"] for identity in profile["identities"]] == ["spotify"]
    assert profile["display_name"] is None


def test_it_goes_on_asking_again_once_there_is_another(client: TestClient, runtime: Runtime) -> None:
    user_id = a_connected_user(runtime)
    disconnect(client, user_id)
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        add_identity(tx, user_id, Identity("listenbrainz", "robin"))
    disconnect(client, user_id)
    profile = client.get(f"/api/users/{user_id}").json()
    assert [identity["provider"] for identity in profile["identities"]] == ["listenbrainz"]
    assert client.delete(f"/api/users/{user_id}/connections/spotify").status_code == 404


def test_where_nothing_is_connected_there_is_nothing_to_disconnect(
    client: TestClient, runtime: Runtime
) -> None:
    user_id = a_connected_user(runtime)
    disconnect(client, user_id)
    for refused in (
        client.delete(f"/api/users/{user_id}/connections/spotify"),
        client.delete(f"/api/users/{user_id}/connections/listenbrainz"),
        client.delete(f"/api/users/{uuid4()}/connections/spotify"),
    ):
        assert refused.status_code == 404
    assert client.delete(f"/api/users/{user_id}/connections/tidal").status_code == 422
    assert len(queued_jobs(runtime.database)) == 1


def test_a_request_that_is_sent_again_with_its_key_gets_the_same_task(
    client: TestClient, runtime: Runtime
) -> None:
    user_id, headers = a_connected_user(runtime), {"Idempotency-Key": "leaving-1"}
    path = f"/api/users/{user_id}/connections/spotify"
    first, second = (client.delete(path, headers=headers) for _ in range(2))
    assert (first.status_code, second.status_code) == (202, 202)
    assert first.json() == second.json()


def test_jobs_that_use_the_connection_store_nothing_more(
    client: TestClient, runtime: Runtime, empty: Servers
) -> None:
    user_id, other = a_connected_user(runtime), a_connected_user(runtime)
    waiting, others = a_waiting_task(runtime, other), a_waiting_task(runtime, user_id)
    running = claim(runtime.database, others, IngestListeningData)
    assert running is not None

    disconnect(client, user_id)

    with pytest.raises(JobCancelledError), running.completion() as completion:
        completion.tx.session.execute(
            text("INSERT INTO recently_played_polls (user_id, new_plays) VALUES (:user_id, 1)"),
            {"user_id": user_id},
        )
    assert count(empty, "recently_played_polls", user_id) == 0
    assert job_row(runtime.database, waiting).status == "queued"


def test_whoever_connects_again_before_the_purge_keeps_what_is_new_and_loses_what_is_old(
    client: TestClient, runtime: Runtime, empty: Servers
) -> None:
    user_id = a_listener(runtime)
    ingested(runtime, user_id)
    before = {json.loads(row)["id"] for row in every_row(empty, where=("their", user_id))["plays"]}
    purge = disconnect(client, user_id)
    tokens = {"access_token": ACCESS_TOKEN, "refresh_token": REFRESH_TOKEN, "expires_in": 3600}
    assert client.post("/api/tokens/store", json={"user_id": str(user_id), **tokens}).status_code == 201
    ingestion = client.post("/api/listening/ingest", params={"user_id": str(user_id)}).headers["Location"]

    hold(empty, purge)
    work_off(runtime)
    assert client.get(ingestion).json()["error_code"] == "purge_pending"
    make_due(runtime)
    work_off(runtime)
    make_due(runtime)
    work_off(runtime)

    assert [client.get(task).json()["status"] for task in (purge, ingestion)] == ["SUCCESS", "SUCCESS"]
    after = {json.loads(row)["id"] for row in every_row(empty, where=("their", user_id))["plays"]}
    assert after
    assert after.isdisjoint(before)
    assert count(empty, "listening_snapshots", user_id) == 1


def test_a_purge_asked_for_before_leaves_later_plays_alone(
    client: TestClient, runtime: Runtime, empty: Servers
) -> None:
    life = a_full_life(empty)
    disconnect(client, life.user_id)
    with psycopg.connect(empty.database_url) as connection:
        connection.execute(
            "INSERT INTO plays (user_id, track_id, ended_at, source)"
            " SELECT %s, min(id), '2020-01-01', 'spotify_api' FROM tracks",
            [life.user_id],
        )
    work_off(runtime)
    assert count(empty, "plays", life.user_id) == 1


def test_an_older_export_does_not_outlive_the_days_that_spotify_gives(
    client: TestClient, empty: Servers
) -> None:
    life = a_full_life(empty)
    with psycopg.connect(empty.database_url) as connection:
        connection.execute("UPDATE stored_files SET expires_at = now() + interval '30 days'")
    disconnect(client, life.user_id)
    with psycopg.connect(empty.database_url) as connection:
        row = connection.execute("SELECT expires_at < now() + interval '5 days' FROM stored_files").fetchone()
    assert row == (True,)


def test_listenbrainz_takes_nothing_along_that_did_not_come_from_it(
    client: TestClient, runtime: Runtime, empty: Servers
) -> None:
    life = a_full_life(empty)
    with runtime.database.transaction(acting_for=Actor.listener(life.user_id)) as tx:
        snapshot_id = life.values["id_snapshot"]
        insight = enqueue(
            tx, GenerateRoast(user_id=life.user_id, snapshot_id=snapshot_id, tone_mode=ToneMode.NEUTRAL)
        )
    disconnect(client, life.user_id, "listenbrainz")
    assert job_row(runtime.database, insight).status == "queued"
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        cancel_jobs_of(tx.session, life.user_id, prefixes=("insights.",))
    work_off(runtime)

    assert count(empty, "listenbrainz_tokens", life.user_id) == 0
    for table in ("spotify_tokens", "listening_snapshots", "generated_insights"):
        assert count(empty, table, life.user_id) == 1, table
    assert sources(empty, life.user_id) == {"spotify_api", "spotify_export"}
    assert client.get(f"/api/users/{life.user_id}").json()["email"] == life.values["email"]
    assert client.get(f"/api/insights/{life.values['id_insight']}").status_code == 200


def test_snapshots_that_plays_from_listenbrainz_are_part_of_go_with_them(
    client: TestClient, runtime: Runtime, empty: Servers
) -> None:
    life = a_full_life(empty)
    with psycopg.connect(empty.database_url) as connection:
        connection.execute("UPDATE plays SET source = 'listenbrainz' WHERE source = 'spotify_api'")
    disconnect(client, life.user_id, "listenbrainz")
    work_off(runtime)
    assert sources(empty, life.user_id) == {"spotify_export"}
    for table in ("listening_snapshots", "generated_insights"):
        assert count(empty, table, life.user_id) == 0, table


def hold(empty: Servers, purge: str) -> None:
    """Let the purge wait a while."""
    with psycopg.connect(empty.database_url) as connection:
        connection.execute(
            "UPDATE background_jobs SET available_at = now() + interval '1 hour' WHERE id = %s",
            [purge.rpartition("/")[2]],
        )


@pytest.mark.parametrize("keep_uploads", ["true", "false"])
def test_uploads_go_with_everything_that_they_told_unless_they_are_kept(
    runtime: Runtime, client: TestClient, empty: Servers, keep_uploads: str
) -> None:
    life, other = a_full_life(empty), a_full_life(empty)
    with psycopg.connect(empty.database_url) as connection:
        connection.execute("UPDATE plays SET source = 'spotify_account_data' WHERE source = 'spotify_export'")
    before = every_row(empty)
    disconnect(client, life.user_id, keep_uploads=keep_uploads)
    work_off(runtime)

    after = every_row(empty)
    kept = sources(empty, life.user_id)
    assert kept == ({"spotify_account_data"} if keep_uploads == "true" else set())
    for table in ("spoken_plays", "imports", "import_batches"):
        theirs = [row for row in before[table] if str(other.user_id) in row]
        assert after[table] == (before[table] if keep_uploads == "true" else theirs)
