"""Served by TLS, browsers are told to come no other way; on one's own machine they are not."""

import pytest

from access_trials import running_required
from spotify_insights.settings import Settings


@pytest.mark.parametrize(
    ("public_url", "told"),
    [
        ("https://insights.example", "max-age=63072000"),
        ("http://127.0.0.1:8000", None),
    ],
)
def test_browsers_are_told_to_come_encrypted_where_that_is_possible(
    settings: Settings, public_url: str, told: str | None
) -> None:
    host = {"Host": public_url.partition("://")[2]}
    with running_required(settings.model_copy(update={"public_url": public_url})) as client:
        for path in ("/", "/docs", "/api/tasks", "/nothing", "/health"):
            assert client.get(path, headers=host).headers.get("strict-transport-security") == told
        refused = client.get("/", headers={"Host": "evil.example"})
        assert refused.headers.get("strict-transport-security") == told
