"""What cannot be imported is refused with a sentence, and leaves nothing behind."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from conftest import Servers
from export_files import NOW, extended_row, json_file, write_export, zip_file
from jobs_inline import work_off
from makers import a_user
from spotify_insights.cli.imports.files import opened_path
from spotify_insights.database.actor import SYSTEM, Actor
from spotify_insights.database.role import DatabaseRole
from spotify_insights.jobs.enqueue import enqueue
from spotify_insights.listening.imports.import_history import HistoryImport
from spotify_insights.listening.imports.request import add_to_upload, begin_upload
from spotify_insights.privacy.jobs import PurgeExpiredData
from spotify_insights.runtime import Runtime
from spotify_insights.settings import Settings
from spotify_insights.storage.write import CHUNK_BYTES
from spotify_insights.web.app import create_app
from upload_trials import EXPORT, done, everything, upload

HISTORY = "Streaming_History_Audio_2016-2026_0.json"


@pytest.fixture
def small_client(settings: Settings) -> Iterator[TestClient]:
    """An installation that takes a megabyte."""
    with _running(settings, upload_limit_mb=1) as client:
        yield client


@contextmanager
def _running(settings: Settings, **changes: Any) -> Iterator[TestClient]:
    app = create_app(
        Runtime.from_settings(settings.model_copy(update=changes), role=DatabaseRole.API), with_relay=False
    )
    with TestClient(app, base_url="http://127.0.0.1:8000", raise_server_exceptions=False) as client:
        yield client


@pytest.mark.parametrize("size", ["announced", "not announced"])
def test_an_upload_that_is_too_large_is_refused(
    small_client: TestClient, runtime: Runtime, empty: Servers, size: str
) -> None:
    user_id = a_user(runtime)
    before = everything(empty)
    content = b"[" + b" " * (2 * CHUNK_BYTES)
    if size == "announced":
        answer = upload(small_client, user_id, content)
    else:
        answer = small_client.post(
            f"/api/listening/import?user_id={user_id}",
            content=iter(
                [_beginning(), *(content[at : at + 65_536] for at in range(0, len(content), 65_536))]
            ),
            headers={"Content-Type": "multipart/form-data; boundary=line"},
        )

    assert answer.status_code == 413
    assert "1 MB at most" in answer.json()["detail"]
    assert everything(empty) == before


def test_an_upload_that_breaks_off_leaves_nothing(
    client: TestClient, runtime: Runtime, empty: Servers
) -> None:
    user_id = a_user(runtime)
    before = everything(empty)
    sent = _broken_off(client.app, user_id, [_beginning(), b" " * (CHUNK_BYTES + 5)], hangs_up=True)
    assert sent in ([], [400])
    assert everything(empty) == before

    # A body that ends too early, as a proxy may make of it.
    assert _broken_off(client.app, user_id, [_beginning(), b"[1, 2"], hangs_up=False) == [400]
    assert everything(empty) == before


def test_what_a_killed_process_has_taken_in_goes_with_a_purge(runtime: Runtime, empty: Servers) -> None:
    user_id = a_user(runtime)
    before = everything(empty)
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        file_id = begin_upload(tx, user_id, "half.zip")
    add_to_upload(runtime.database, user_id, file_id, 0, b"PK", acting_for=SYSTEM)

    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        # Time passes.
        tx.session.execute(text("UPDATE stored_files SET expires_at = expires_at - interval '7 hours'"))
        enqueue(tx, PurgeExpiredData())
    work_off(runtime)

    assert everything(empty) == before


def test_what_a_killed_import_has_made_goes_with_a_purge(
    runtime: Runtime, empty: Servers, tmp_path: Path
) -> None:
    """Tracks and artists are everybody's, and stored before the plays of them."""
    user_id = a_user(runtime)
    before = everything(empty)
    path = write_export(tmp_path, [extended_row()])
    with opened_path(path, now=NOW) as file, suppress(KeyboardInterrupt):
        killed = HistoryImport(runtime.database, Actor.listener(user_id), user_id, file)
        with runtime.database.transaction(acting_for=SYSTEM) as tx:
            killed.run(tx)
            raise KeyboardInterrupt
    assert everything(empty).keys() - before.keys() == {"tracks", "artists", "track_artists"}

    for gone, days in ((False, 0), (True, 2)):
        with runtime.database.transaction(acting_for=SYSTEM) as tx:
            # Time passes.
            statement = "UPDATE tracks SET updated_at = updated_at - make_interval(days => :days)"
            tx.session.execute(text(statement), {"days": days})
            enqueue(tx, PurgeExpiredData())
        work_off(runtime)
        assert (everything(empty) == before) == gone


@pytest.mark.parametrize(
    ("files", "status"),
    [
        ({}, 422),
        ({"other": ("a.json", b"[]")}, 422),
        ({"file": ("a.json", b"")}, 422),
        ({"file": ("", b"")}, 422),
        ([("file", ("a.json", b"[]")), ("file", ("b.json", b"[]"))], 422),
    ],
)
def test_a_form_without_exactly_one_file_is_refused(
    client: TestClient, runtime: Runtime, empty: Servers, files: Any, status: int
) -> None:
    user_id = a_user(runtime)
    before = everything(empty)
    if not files:
        answer = client.post(
            f"/api/listening/import?user_id={user_id}",
            content=b"--line--\r\n",
            headers={"Content-Type": "multipart/form-data; boundary=line"},
        )
    else:
        answer = client.post(f"/api/listening/import?user_id={user_id}", files=files)

    assert answer.status_code == status, answer.text
    assert everything(empty) == before


@pytest.mark.parametrize("content_type", ["application/json", "application/zip", "text/plain"])
def test_other_kinds_of_bodies_are_not_taken(client: TestClient, runtime: Runtime, content_type: str) -> None:
    answer = client.post(
        f"/api/listening/import?user_id={a_user(runtime)}",
        content=b"[]",
        headers={"Content-Type": content_type},
    )
    assert answer.status_code == 415
    assert "multipart/form-data" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (zip_file({f"../{HISTORY}": [extended_row()]}), "leads out of its folder"),
        (zip_file({HISTORY: b"[" + b" " * 50_000_000 + b"]"}), "200 times its size"),
        (EXPORT[: len(EXPORT) // 2], "damaged or cut short"),
        (b"%PDF-1.7", "neither a zip nor JSON"),
        (json_file([{"id": 7}]), "rows are not those of Spotify's"),
        # Good until half of it is read: nothing of the good half stays.
        (json_file([extended_row() for _ in range(3)])[:-5], "ends in the middle"),
    ],
)
def test_hostile_and_damaged_files_fail_with_a_sentence(
    client: TestClient, runtime: Runtime, empty: Servers, content: bytes, says: str
) -> None:
    user_id = a_user(runtime)
    before = everything(empty)

    job = done(runtime, upload(client, user_id, content))

    assert (job.status, job.error_code) == ("failed", "invalid_input")
    assert says in (job.error or "")
    assert everything(empty) == before


def test_a_listener_cannot_fill_the_database_with_uploads(client: TestClient, runtime: Runtime) -> None:
    user_id = a_user(runtime)
    assert [upload(client, user_id).status_code for _ in range(4)] == [202, 202, 202, 409]


def _beginning() -> bytes:
    return (
        b'--line\r\nContent-Disposition: form-data; name="file"; filename="a.json"\r\n'
        b"Content-Type: application/json\r\n\r\n"
    )


def _broken_off(app: Any, user_id: UUID, parts: list[bytes], *, hangs_up: bool) -> list[int]:
    """Send these parts of a body and then hang up, or end the body; the statuses that were answered."""
    answered: list[int] = []

    async def messages() -> AsyncIterator[dict[str, Any]]:
        for part in parts:
            yield {"type": "http.request", "body": part, "more_body": True}
        if not hangs_up:
            yield {"type": "http.request", "body": b"", "more_body": False}
        while True:
            yield {"type": "http.disconnect"}

    coming = messages()

    async def receive() -> dict[str, Any]:
        return await anext(coming)

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            answered.append(message["status"])

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/api/listening/import",
        "raw_path": b"/api/listening/import",
        "query_string": f"user_id={user_id}".encode(),
        "root_path": "",
        "headers": [
            (b"host", b"127.0.0.1:8000"),
            (b"transfer-encoding", b"chunked"),
            (b"content-type", b"multipart/form-data; boundary=line"),
        ],
        "client": ("127.0.0.1", 50_000),
        "server": ("127.0.0.1", 8000),
    }
    asyncio.run(app(scope, receive, send))
    return answered
