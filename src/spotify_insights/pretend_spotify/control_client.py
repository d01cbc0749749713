"""The control surface from the outside: plain HTTP, typed."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import httpx2
from pydantic import BaseModel

from spotify_insights.pretend_spotify.config import Mode, RefreshTokenAnswer
from spotify_insights.pretend_spotify.faults import Fault
from spotify_insights.pretend_spotify.loopback_client import loopback_client


class SeenRequest(BaseModel):
    """A request that the pretend Spotify answered; `detail` is a token request's grant type."""

    at: datetime
    method: str
    path: str
    query: Mapping[str, str]
    status: int
    detail: str | None


class Counters(BaseModel):
    """`by_route` counts by method, path and grant type, for example `POST /api/token refresh_token`."""

    total: int
    by_route: Mapping[str, int]
    by_status: Mapping[int, int]


class PretendSpotifyControl:
    """Each call is one request; raises httpx2.HTTPStatusError where control is off or the order is wrong."""

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url

    def queue(self, *faults: Fault) -> None:
        """Let these happen, in this order, to the next requests that fit their paths."""
        for fault in faults:
            self._call("POST", "faults", fault.model_dump())

    def clear_faults(self) -> None:
        self._call("DELETE", "faults")

    def advance_clock(self, by: timedelta) -> datetime:
        """Move the server's clock forward; returns its new time."""
        answer = self._call("POST", "clock", {"advance_seconds": by.total_seconds()}).json()
        return datetime.fromisoformat(answer["now"])

    def revoke(self, user_id: str | None = None) -> None:
        """Revoke the refresh tokens of one user, or of everybody."""
        self._call("POST", "revoke", {"user_id": user_id})

    def expire_access_tokens(self, user_id: str | None = None) -> None:
        """Let the access tokens of one user, or of everybody, expire this moment."""
        self._call("POST", "expire", {"user_id": user_id})

    def change(
        self,
        *,
        mode: Mode | None = None,
        refresh_token_answer: RefreshTokenAnswer | None = None,
        feature_coverage: float | None = None,
        tracks_without_features: Sequence[str] | None = None,
    ) -> None:
        """Change how it behaves; what is not named stays as it is."""
        self._call(
            "PATCH",
            "settings",
            {
                "mode": mode,
                "refresh_token_answer": refresh_token_answer,
                "feature_coverage": feature_coverage,
                "tracks_without_features": tracks_without_features,
            },
        )

    def requests(self) -> list[SeenRequest]:
        """What was asked of it so far, oldest first; never a token's value."""
        answer = self._call("GET", "requests").json()
        return [SeenRequest.model_validate(request) for request in answer["requests"]]

    def counters(self) -> Counters:
        return Counters.model_validate(self._call("GET", "counters").json())

    def user_id_of(self, persona_key: str) -> str:
        """The Spotify user id of a persona's account."""
        listeners = self._call("GET", "listeners").json()["listeners"]
        ids = {listener["persona"]: listener["user_id"] for listener in listeners}
        user_id: str = ids[persona_key]
        return user_id

    def reset(self) -> None:
        """Forget everything: tokens, faults, settings, clock and log."""
        self._call("POST", "reset")

    def _call(self, method: str, name: str, body: object = None) -> httpx2.Response:
        with loopback_client(self._base_url) as client:
            response = client.request(method, f"/_pretend/{name}", json=body)
        return response.raise_for_status()
