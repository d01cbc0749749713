"""An installation with small quotas, and people who use them up."""

from collections.abc import Iterator
from contextlib import contextmanager

import redis
from starlette.testclient import TestClient

from access_trials import required_settings
from spotify_insights.database.role import DatabaseRole
from spotify_insights.runtime import Runtime
from spotify_insights.settings import Settings
from spotify_insights.web.app import create_app
from spotify_insights.web.limits.rate_limits import RateLimits

BASE = "http://127.0.0.1:8000"
# A machine that is busy with other tests must not pass for a Redis that is gone.
LONG_PATIENCE = 10.0


def small(settings: Settings, **changes: object) -> Settings:
    """The installation with sign-in, and these settings."""
    return required_settings(settings).model_copy(update=changes)


@contextmanager
def service(
    settings: Settings, *, patience: float = LONG_PATIENCE, address: str = "203.0.113.7"
) -> Iterator[TestClient]:
    """The API in this process, asked from `address`."""
    runtime = Runtime.from_settings(settings, role=DatabaseRole.API, process="spotify-insights api")
    app = create_app(runtime, with_relay=False)
    with TestClient(
        app,
        base_url=BASE,
        raise_server_exceptions=False,
        follow_redirects=False,
        client=(address, 50_000),
    ) as client:
        app.state.rate_limits = limits = RateLimits(settings, runtime.installation_secrets, patience=patience)
        yield client
        if client.portal is not None:
            client.portal.call(limits.close)


def everything_in_redis(url: str) -> str:
    """All keys and values, as text to search in."""
    with redis.Redis.from_url(url) as connection:
        keys = list(connection.scan_iter())
        return "\n".join(f"{key!r} {connection.dump(key)!r}" for key in keys)
