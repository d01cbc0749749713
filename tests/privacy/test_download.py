"""Downloading an export: a link for each time, and each link for one."""

import hashlib
import io
import threading
import zipfile
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from conftest import Servers
from full_life import a_full_life
from jobs_inline import queued_jobs, work_off
from makers import a_user
from spotify_insights.audit.event import AuditEvent
from spotify_insights.database.actor import SYSTEM
from spotify_insights.runtime import Runtime
from spotify_insights.storage import write as write_module
from stored_exports import files_of, made_export, stored_zip


def test_an_export_is_asked_for_listed_linked_and_downloaded_once(
    client: TestClient, runtime: Runtime
) -> None:
    user_id = a_user(runtime)
    asked = client.post(f"/api/users/{user_id}/export")
    assert asked.status_code == 202
    assert client.post(f"/api/users/{user_id}/export").json() == asked.json()
    assert client.get(f"/api/users/{user_id}/exports").json() == []
    work_off(runtime)
    result = client.get(asked.headers["Location"]).json()["result"]
    (listed,) = client.get(f"/api/users/{user_id}/exports").json()
    assert (listed["export_id"], listed["size_bytes"]) == (result["export_id"], result["size_bytes"])

    link = client.post(f"/api/users/{user_id}/exports/{result['export_id']}/link")
    path = link.json()["url"].removeprefix("http://127.0.0.1:8000")
    looked = client.head(path)
    downloaded = client.get(path)
    again = client.get(path)

    assert (link.status_code, link.headers["Cache-Control"]) == (201, "no-store")
    assert (looked.status_code, looked.headers["Content-Length"]) == (200, str(listed["size_bytes"]))
    assert downloaded.status_code == 200
    assert downloaded.headers["Content-Type"] == "application/zip"
    assert downloaded.headers["Content-Disposition"].startswith("attachment")
    assert downloaded.headers["Cache-Control"] == "no-store"
    assert hashlib.sha256(downloaded.content).hexdigest() == listed["sha256"]
    assert "README.txt" in files_of(downloaded.content)
    assert (again.status_code, client.head(path).status_code) == (404, 404)
    asked_twice = [AuditEvent.EXPORT_REQUESTED] * 2
    assert events(runtime) == [*asked_twice, AuditEvent.EXPORTED, AuditEvent.EXPORT_DOWNLOADED]


def test_every_file_of_an_export_has_the_date_of_that_day(runtime: Runtime) -> None:
    before = datetime.now(UTC).year
    content = stored_zip(runtime, made_export(runtime, a_user(runtime)))
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert all(entry.date_time[0] >= before for entry in archive.infolist())


def test_a_link_is_kept_as_a_hash_only(client: TestClient, runtime: Runtime) -> None:
    user_id = a_user(runtime)
    token = linked(client, runtime, user_id)
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        row = str(tx.session.execute(text("SELECT to_jsonb(l) FROM one_time_links l")).scalar_one())
    assert token not in row
    assert hashlib.sha256(token.encode()).hexdigest() in row


def test_of_many_who_come_with_one_link_at_once_one_gets_the_file(
    client: TestClient, runtime: Runtime
) -> None:
    token = linked(client, runtime, a_user(runtime))
    statuses: list[int] = []
    barrier = threading.Barrier(4)

    def download() -> None:
        barrier.wait()
        statuses.append(client.get(f"/exports/{token}").status_code)

    threads = [threading.Thread(target=download) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200, 404, 404, 404]


def test_a_file_of_many_pieces_comes_back_as_it_was(
    client: TestClient, runtime: Runtime, empty: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(write_module, "CHUNK_BYTES", 1000)
    user_id = a_full_life(empty).user_id
    export_id = made_export(runtime, user_id)
    token = link_of(client, user_id, export_id)
    downloaded = client.get(f"/exports/{token}").content
    assert len(downloaded) > 3000
    assert downloaded == stored_zip(runtime, export_id)
    assert files_of(downloaded)


def test_a_history_longer_than_a_page_is_exported_whole(
    runtime: Runtime, empty: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    user_id = a_full_life(empty).user_id
    whole = files_of(stored_zip(runtime, made_export(runtime, user_id)))["plays.json"]
    monkeypatch.setattr(
        "spotify_insights.privacy.export.export_user_data.__kwdefaults__", {"rows_at_once": 5}
    )
    assert files_of(stored_zip(runtime, made_export(runtime, user_id)))["plays.json"] == whole


@pytest.mark.parametrize("change", ["expires_at = now()", "used_at = now()"])
def test_a_link_that_is_over_leads_nowhere(client: TestClient, runtime: Runtime, change: str) -> None:
    token = linked(client, runtime, a_user(runtime))
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        tx.session.execute(text(f"UPDATE one_time_links SET {change}"))  # noqa: S608  # our own words
    assert client.get(f"/exports/{token}").status_code == 404


def test_a_file_whose_time_is_over_is_not_there(client: TestClient, runtime: Runtime) -> None:
    user_id = a_user(runtime)
    export_id = made_export(runtime, user_id)
    token = link_of(client, user_id, export_id)
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        tx.session.execute(text("UPDATE stored_files SET expires_at = now()"))
    assert client.get(f"/exports/{token}").status_code == 404
    assert client.get(f"/api/users/{user_id}/exports").json() == []
    assert client.post(f"/api/users/{user_id}/exports/{export_id}/link").status_code == 404


def test_somebody_elses_export_looks_like_none(client: TestClient, runtime: Runtime) -> None:
    export_id = made_export(runtime, a_user(runtime))
    other = a_user(runtime)
    foreign = client.post(f"/api/users/{other}/exports/{export_id}/link")
    missing = client.post(f"/api/users/{other}/exports/{uuid4()}/link")
    assert (foreign.status_code, missing.status_code) == (404, 404)
    assert foreign.json()["detail"] == missing.json()["detail"]
    assert client.post(f"/api/users/{uuid4()}/export").status_code == 404
    assert queued_jobs(runtime.database) == []


def linked(client: TestClient, runtime: Runtime, user_id: object) -> str:
    return link_of(client, user_id, made_export(runtime, user_id))  # type: ignore[arg-type]


def link_of(client: TestClient, user_id: object, export_id: object) -> str:
    answer = client.post(f"/api/users/{user_id}/exports/{export_id}/link")
    assert answer.status_code == 201, answer.text
    return str(answer.json()["url"]).rpartition("/")[2]


def events(runtime: Runtime) -> list[str]:
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        return list(tx.session.scalars(text("SELECT event FROM audit_log ORDER BY id")))
