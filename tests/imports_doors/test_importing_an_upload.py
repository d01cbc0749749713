"""An export that is uploaded is imported once, accounted for by hand-counted receipts, and can be undone."""

import os
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from access_trials import an_api_key, bearer
from conftest import Servers
from export_files import AUDIO_NAME, TRACK_ID, extended_row, extended_zip, zip_file
from jobs_inline import job_row, queued_jobs, work_off
from makers import a_user
from spotify_insights.database.actor import SYSTEM
from spotify_insights.jobs.attempt import JobCancelledError
from spotify_insights.jobs.claim import claim
from spotify_insights.jobs.enqueue import enqueue
from spotify_insights.jobs.run import run_job
from spotify_insights.listening.catalogue import ArtistEntry, TrackEntry, store_artists, store_tracks
from spotify_insights.listening.hold_history import hold_history
from spotify_insights.listening.imports.import_history import HistoryImport
from spotify_insights.listening.imports.jobs import ImportHistory
from spotify_insights.listening.imports.request import MOST_UPLOADS
from spotify_insights.listening.imports.run import import_history
from spotify_insights.privacy.jobs import PurgeExpiredData
from spotify_insights.runtime import Runtime
from spotify_insights.storage.write import CHUNK_BYTES
from spotify_insights.worker.tasks import Handlers
from upload_trials import EXPORT, RECEIPT, RECEIPT_AGAIN, cached_version, done, everything, imported, upload

OTHER_ARTIST = {
    "master_metadata_track_name": "Tin Roof",
    "master_metadata_album_artist_name": "Somebody New",
    "spotify_track_uri": "spotify:track:1111111111111111111111",
}
ARTIST_OF_NO_TRACK = {
    "master_metadata_track_name": "Harbour",
    "master_metadata_album_artist_name": "Marit Holstad",
    "spotify_track_uri": "spotify:track:2222222222222222222222",
}


def test_an_upload_becomes_plays_and_a_receipt(client: TestClient, runtime: Runtime, empty: Servers) -> None:
    user_id = a_user(runtime)
    answer = upload(client, user_id)
    assert answer.headers["location"] == answer.json()["status_url"]

    job = done(runtime, answer)

    assert job.status == "succeeded", job.error
    assert job.result is not None
    import_id = job.result.pop("import_id")
    assert job.result == {"dry_run": False, **RECEIPT}
    (listed,) = client.get("/api/listening/imports", params={"user_id": str(user_id)}).json()
    assert listed["import_id"] == import_id
    assert listed["receipt"] == RECEIPT
    assert (listed["file_name"], listed["size_bytes"]) == ("my_spotify_data.zip", len(EXPORT))
    assert listed["first_play_at"] == "2025-05-05T20:15:30.000Z"
    assert listed["last_play_at"] == "2026-01-01T09:00:00.000Z"
    rows = everything(empty)
    assert len(rows["plays"]) == 4
    assert len(rows["spoken_plays"]) == 2
    assert "stored_files" not in rows
    assert "stored_file_chunks" not in rows


def test_a_second_upload_adds_nothing(client: TestClient, runtime: Runtime, empty: Servers) -> None:
    user_id = a_user(runtime)
    imported(runtime, client, user_id)
    before = everything(empty, besides=("imports", "import_batches"))

    again = imported(runtime, client, user_id)

    assert {key: again[key] for key in RECEIPT} == RECEIPT_AGAIN
    assert everything(empty, besides=("imports", "import_batches")) == before
    newest, first = client.get("/api/listening/imports", params={"user_id": str(user_id)}).json()
    assert newest["import_id"] == again["import_id"]
    assert first["receipt"] == RECEIPT


def test_undoing_restores_every_row(client: TestClient, runtime: Runtime, empty: Servers) -> None:
    user_id = a_user(runtime)
    imported(
        runtime,
        client,
        user_id,
        extended_zip([extended_row(), extended_row(ts="2024-01-01T00:00:00Z", ms_played=33_000)]),
    )
    before = everything(empty)
    import_id = imported(runtime, client, user_id)["import_id"]
    assert everything(empty) != before

    job = done(runtime, client.delete(f"/api/listening/imports/{import_id}"))

    assert job.result == {"import_id": import_id, "plays": 3, "spoken_plays": 2}
    assert everything(empty) == before
    assert client.delete(f"/api/listening/imports/{import_id}").status_code == 404


@pytest.mark.parametrize("dry_run", [True, False])
def test_favourites_that_spotify_told_outlast_an_import_of_them(
    client: TestClient, runtime: Runtime, empty: Servers, *, dry_run: bool
) -> None:
    """They were there before it, though nobody had played them: a track, and an artist without any."""
    user_id = a_user(runtime)
    artist = ArtistEntry("0" * 22, "Anouk Fenmore", ("dream pop",))
    unplayed = ArtistEntry("1" * 22, "Marit Holstad", ("folk",))
    track = TrackEntry(TRACK_ID, "Half Moon", (artist,), "Low Tide", None, 200_000, explicit=False, isrc=None)
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        keys = store_artists(tx.session, [artist, unplayed], source="spotify_api")
        store_tracks(tx.session, [track], keys, source="spotify_api")
    before = everything(empty)
    rows = [extended_row(), extended_row(**OTHER_ARTIST), extended_row(**ARTIST_OF_NO_TRACK)]

    if dry_run:
        done(runtime, upload(client, user_id, extended_zip(rows), dry_run="true"))
    else:
        import_id = imported(runtime, client, user_id, extended_zip(rows))["import_id"]
        assert len(everything(empty)["tracks"]) == 3
        done(runtime, client.delete(f"/api/listening/imports/{import_id}"))

    assert everything(empty) == before


def test_a_dry_run_tells_everything_and_stores_nothing(
    client: TestClient, runtime: Runtime, empty: Servers
) -> None:
    user_id = a_user(runtime)
    before = everything(empty)

    job = done(runtime, upload(client, user_id, dry_run="true"))

    assert job.result == {"import_id": None, "dry_run": True, **RECEIPT}
    assert everything(empty) == before


def test_what_was_cached_is_not_used_any_more(client: TestClient, runtime: Runtime, empty: Servers) -> None:
    user_id = a_user(runtime)
    before = cached_version(empty, user_id)
    import_id = imported(runtime, client, user_id)["import_id"]
    after = cached_version(empty, user_id)
    done(runtime, client.delete(f"/api/listening/imports/{import_id}"))

    assert len({before, after, cached_version(empty, user_id)}) == 3


def test_an_upload_of_several_pieces_is_what_was_sent(client: TestClient, runtime: Runtime) -> None:
    """Stored and read in pieces: the directory of a zip is at its end."""
    user_id = a_user(runtime)
    # Nothing that deflates, so that the zip has three pieces.
    content = zip_file({AUDIO_NAME: [extended_row()], "ReadMeFirst.pdf": os.urandom(2 * CHUNK_BYTES)})
    assert len(content) > 2 * CHUNK_BYTES

    result = imported(runtime, client, user_id, content)

    assert (result["rows"], result["plays"]) == (1, 1)


def test_a_foreign_import_is_as_good_as_missing(
    required_client: TestClient, client: TestClient, runtime: Runtime
) -> None:
    import_id = imported(runtime, client, a_user(runtime))["import_id"]
    somebody_else = bearer(an_api_key(runtime, a_user(runtime)))

    foreign, missing = (
        required_client.delete(f"/api/listening/imports/{each}", headers=somebody_else)
        for each in (import_id, uuid4())
    )

    assert foreign.status_code == missing.status_code == 404
    assert foreign.json()["detail"] == missing.json()["detail"]
    assert queued_jobs(runtime.database) == []


def test_the_key_of_an_upload_counts_for_its_content(client: TestClient, runtime: Runtime) -> None:
    user_id, key = a_user(runtime), {"Idempotency-Key": "first-upload"}
    first = upload(client, user_id, headers=key)
    again = upload(client, user_id, headers=key)
    other = upload(client, user_id, b"[]", headers=key)

    assert (again.status_code, again.json()) == (202, first.json())
    assert again.headers["Idempotency-Replayed"] == "true"
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert len(queued_jobs(runtime.database)) == 1
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        assert tx.session.scalar(text("SELECT count(*) FROM stored_files")) == 1


def test_an_import_waits_while_another_job_changes_the_history(client: TestClient, runtime: Runtime) -> None:
    user_id = a_user(runtime)
    task_id = UUID(upload(client, user_id).json()["task_id"])
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        hold_history(tx.session, user_id)
        work_off(runtime)

    waiting = job_row(runtime.database, task_id)
    assert (waiting.status, waiting.error_code, waiting.attempts) == ("queued", "history_busy", 0)
    _make_due(runtime, task_id)
    work_off(runtime)
    assert job_row(runtime.database, task_id).status == "succeeded"


def test_a_killed_worker_leaves_its_import_to_the_next_one(
    client: TestClient, runtime: Runtime, empty: Servers
) -> None:
    user_id = a_user(runtime)
    task_id = UUID(upload(client, user_id).json()["task_id"])
    # It claimed the job, and nobody has heard of it since.
    assert claim(runtime.database, task_id, ImportHistory, lease=timedelta(0)) is not None

    assert run_job(runtime.database, task_id, ImportHistory, Handlers.of(runtime)[ImportHistory])

    job = job_row(runtime.database, task_id)
    assert job.result is not None
    assert {key: job.result[key] for key in RECEIPT} == RECEIPT
    assert len(everything(empty)["plays"]) == 4


def _make_due(runtime: Runtime, task_id: UUID) -> None:
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        tx.session.execute(
            text("UPDATE background_jobs SET available_at = clock_timestamp() WHERE id = :id"),
            {"id": task_id},
        )


def test_a_cancelled_import_leaves_nothing(client: TestClient, runtime: Runtime, empty: Servers) -> None:
    """It is cancelled while it runs: what it has read so far goes, and the upload, too."""
    user_id = a_user(runtime)
    before = everything(empty)
    task_id = UUID(upload(client, user_id).json()["task_id"])
    attempt = claim(runtime.database, task_id, ImportHistory)
    assert attempt is not None
    assert client.delete(f"/api/tasks/{task_id}").status_code == 202

    with pytest.raises(JobCancelledError):
        import_history(
            attempt, ImportHistory.model_validate(attempt.job), cache=runtime.cache, reccobeats=None
        )

    assert everything(empty) == before


def test_a_cancelled_upload_that_waited_leaves_nothing(
    client: TestClient, runtime: Runtime, empty: Servers
) -> None:
    user_id = a_user(runtime)
    before = everything(empty)
    for _ in range(MOST_UPLOADS + 1):
        task_id = upload(client, user_id).json()["task_id"]
        assert client.delete(f"/api/tasks/{task_id}").status_code == 200
        assert everything(empty) == before


def test_uploads_of_imports_that_were_given_up_are_in_nobodys_way(
    client: TestClient, runtime: Runtime, empty: Servers
) -> None:
    """As when every worker that began was killed: nobody was left to delete them."""
    user_id = a_user(runtime)
    before = everything(empty)
    for _ in range(MOST_UPLOADS):
        upload(client, user_id)
    assert upload(client, user_id).status_code == 409
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        tx.session.execute(
            text("UPDATE background_jobs SET status = 'dead', finished_at = clock_timestamp()")
        )

    waiting = upload(client, user_id)
    assert waiting.status_code == 202
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        enqueue(tx, PurgeExpiredData())
        tx.session.execute(text("UPDATE background_jobs SET available_at = clock_timestamp()"))
    work_off(runtime)

    assert job_row(runtime.database, UUID(waiting.json()["task_id"])).status == "succeeded"
    assert everything(empty).keys() - before.keys() == {
        *("plays", "spoken_plays", "tracks", "artists", "track_artists", "imports", "import_batches")
    }


def test_the_last_attempt_takes_the_upload_along(
    client: TestClient, runtime: Runtime, empty: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever goes wrong, nothing is kept for an attempt that will not come."""
    user_id = a_user(runtime)
    before = everything(empty)
    task_id = UUID(upload(client, user_id).json()["task_id"])
    monkeypatch.setattr(HistoryImport, "run", _broken)
    for left in range(ImportHistory.max_attempts, 0, -1):
        assert ("stored_files" in everything(empty)) == (left > 0)
        _make_due(runtime, task_id)
        work_off(runtime)

    assert job_row(runtime.database, task_id).status == "dead"
    assert everything(empty) == before


def _broken(*_: object) -> None:
    raise RuntimeError
