"""Asking for the raw history: a page of it, or a file."""

from typing import Any
from uuid import UUID

from starlette.testclient import TestClient

from history_trials import SLOW_TRAIN, played

Rows = list[dict[str, Any]]
# A title with everything that a format might stumble over.
HOSTILE = played(
    SLOW_TRAIN,
    "2026-05-01T10:00:00",
    track_name='=HYPERLINK("http://x"),\n"été" \\ 🎧',
    artist_name="+Plus; & Co",
    album_name="",
    spotify_id="hostile".ljust(22, "0"),
    platform=None,
    country=None,
    shuffle=None,
)


def page(client: TestClient, user_id: UUID, **asked: Any) -> Rows:
    answer = client.get("/api/listening/plays", params={"user_id": str(user_id), "limit": 100, **asked})
    assert answer.status_code == 200, answer.text
    rows: Rows = answer.json()
    return rows


def file(client: TestClient, user_id: UUID, file_format: str, **asked: Any) -> bytes:
    query = {"user_id": str(user_id), "format": file_format, **asked}
    answer = client.get("/api/listening/plays", params=query)
    assert answer.status_code == 200, answer.text
    return answer.content


def titles(rows: Rows) -> list[str]:
    return [row["track"] for row in rows]
