"""For tests of Idempotency-Key: requests that can be sent any number of times, and what they leave."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from httpx2 import Response
from sqlalchemy import text
from starlette.testclient import TestClient

from makers import a_user
from spotify_insights.database.actor import SYSTEM
from spotify_insights.runtime import Runtime
from stored_rows import a_snapshot

KEY = {"Idempotency-Key": '"8e03978e-40d5-43dd-bc93-6894a57f9324"'}
ADDRESSES = ["/api/users/register", "/api/tokens/store", "/api/listening/ingest", "/api/insights/generate"]


@dataclass(frozen=True)
class Post:
    """One request that can be sent any number of times."""

    path: str
    sent: dict[str, Any] = field(default_factory=dict)

    def by(self, client: TestClient, headers: dict[str, str] | None = None) -> Response:
        return client.post(self.path, headers=headers or {}, **self.sent)


def handover(user_id: UUID, **changes: Any) -> Post:
    tokens = {"access_token": "BQD-canary", "refresh_token": "AQC-canary", "expires_in": 3600}
    return Post("/api/tokens/store", {"json": {"user_id": str(user_id)} | tokens | changes})


def ingestion(user_id: UUID, **params: str) -> Post:
    return Post("/api/listening/ingest", {"params": {"user_id": str(user_id)} | params})


def registration(**changes: str) -> Post:
    return Post("/api/users/register", {"json": {"spotify_user_id": "somebody"} | changes})


def generation(runtime: Runtime, **params: str) -> Post:
    snapshot_id = str(a_snapshot(runtime, a_user(runtime)))
    return Post(
        "/api/insights/generate", {"params": {"snapshot_id": snapshot_id, "insight_type": "roast"} | params}
    )


def rows(runtime: Runtime, table: str) -> list[str]:
    """The rows of a table as text."""
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        return list(tx.session.scalars(text(f"SELECT t::text FROM {table} t ORDER BY 1")))  # noqa: S608  # our own tables


def everything(runtime: Runtime) -> list[list[str]]:
    return [rows(runtime, table) for table in ("users", "spotify_tokens", "background_jobs")]
