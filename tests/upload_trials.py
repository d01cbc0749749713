"""Uploading an export in tests, and one whose rows are counted by hand."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import redis
from httpx2 import Response
from starlette.testclient import TestClient

from conftest import Servers
from export_files import audiobook_row, extended_row, extended_zip, podcast_row, without_names
from full_life import every_row
from jobs_inline import job_row, work_off
from spotify_insights.cache.keys import listener_scope
from spotify_insights.jobs.models import BackgroundJob
from spotify_insights.runtime import Runtime

FIRST_FILE: Final = (
    extended_row(),
    extended_row(ts="2025-05-05T20:16:00Z", ms_played=5_000),
    # Once more.
    extended_row(),
    podcast_row(),
    audiobook_row(),
    without_names(),
    extended_row(ts="noon"),
    extended_row(ts="2025-05-05T20:20:00Z", ms_played=40_000, incognito_mode=True),
)
SECOND_FILE: Final = (
    # As in the first file.
    extended_row(),
    extended_row(
        ts="2026-01-01T09:00:00Z",
        master_metadata_track_name="Tin Roof",
        spotify_track_uri="spotify:track:1111111111111111111111",
    ),
)
EXPORT: Final = extended_zip(FIRST_FILE, SECOND_FILE)
RECEIPT: Final = {
    "rows": 10,
    "plays": 3,
    "skips": 1,
    "duplicates": 2,
    "superseded": 0,
    "podcasts": 1,
    "audiobooks": 1,
    "incognito": 1,
    "unnamed": 1,
    "bad": 1,
}
# What a second import of it tells: all that was kept is there.
RECEIPT_AGAIN: Final = {
    **dict.fromkeys(RECEIPT, 0),
    "rows": 10,
    "duplicates": 8,
    "incognito": 1,
    "unnamed": 1,
    "bad": 1,
}
# What is written about any work, whatever comes of it.
_ABOUT_WORK: Final = {"background_jobs", "idempotency_keys"}
# Made of the plays, and made anew with each change of them.
_DERIVED: Final = {"history_blocks", "history_track_blocks", "packed_histories", "listening_snapshots"}


def upload(
    client: TestClient,
    user_id: UUID,
    content: bytes = EXPORT,
    *,
    name: str = "my_spotify_data.zip",
    headers: Mapping[str, str] | None = None,
    **query: str,
) -> Response:
    """Send the file as a program does."""
    return client.post(
        "/api/listening/import",
        params={"user_id": str(user_id), **query},
        files={"file": (name, content, "application/zip")},
        headers=dict(headers or {}),
    )


def done(runtime: Runtime, accepted: Response) -> BackgroundJob:
    """The task of this answer, after its work was done."""
    assert accepted.status_code == 202, accepted.text
    work_off(runtime)
    return job_row(runtime.database, UUID(accepted.json()["task_id"]))


def imported(runtime: Runtime, client: TestClient, user_id: UUID, content: bytes = EXPORT) -> dict[str, Any]:
    """The result of a whole import."""
    job = done(runtime, upload(client, user_id, content))
    assert job.status == "succeeded", job.error
    assert job.result is not None
    return job.result


def cached_version(servers: Servers, user_id: UUID) -> bytes | None:
    """Which version of the listener's answers may be given out of the cache."""
    with redis.Redis.from_url(servers.redis_url) as client:
        version = client.get(listener_scope(user_id).key)
    assert version is None or isinstance(version, bytes)
    return version


def everything(servers: Servers, *, besides: Sequence[str] = ()) -> dict[str, list[str]]:
    """Every row of every table but those about work, derived ones and `besides`."""
    return {
        table: rows
        for table, rows in every_row(servers).items()
        if rows and table not in _ABOUT_WORK | _DERIVED and table not in besides
    }
