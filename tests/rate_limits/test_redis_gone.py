"""Limits hold while Redis is away, each process for itself, and nobody waits for it."""

import time
from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from access_trials import a_session, cookie_header
from limit_trials import service, small
from makers import a_user
from server_trials import eventually
from spotify_insights.embedded.data_folder import DataFolder
from spotify_insights.embedded.valkey import EmbeddedValkey
from spotify_insights.runtime import Runtime
from spotify_insights.settings import Settings
from spotify_insights.web.limits.rate_limits import PATIENCE_SECONDS


def test_limits_hold_without_redis(settings: Settings, runtime: Runtime, unusable_redis: str) -> None:
    user_id = a_user(runtime)
    headers = cookie_header(settings, a_session(runtime, user_id))
    away = {"redis_url": SecretStr(unusable_redis), "cache_url": None}
    given = small(settings, requests_per_minute=2, sign_ins_per_minute=2, **away)
    with service(given, patience=PATIENCE_SECONDS) as client:
        reads = [client.get(f"/api/users/{user_id}/connections", headers=headers) for _ in range(3)]
        attempts = [client.post("/auth/nothing/callback").status_code for _ in range(3)]

    assert [answer.status_code for answer in reads] == [200, 200, 429]
    assert reads[0].headers["ratelimit"].startswith('"default";r=1;t=')
    assert int(reads[2].headers["retry-after"]) >= 1
    assert 429 not in attempts[:2]
    assert attempts[2] == 429


def test_a_silent_redis_costs_one_short_wait_and_not_one_per_request(
    settings: Settings, unusable_redis: str
) -> None:
    given = small(settings, redis_url=SecretStr(unusable_redis), cache_url=None)
    with service(given, patience=PATIENCE_SECONDS) as client:
        begun = time.monotonic()
        for _ in range(100):
            assert client.get("/openapi.json").status_code == 200

    # A hundred waits would be 20 s.
    assert time.monotonic() - begun < 10


@pytest.fixture(scope="module")
def own_valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedValkey]:
    """A Redis that a test may stop and start."""
    with DataFolder(tmp_path_factory.mktemp("valkey") / "data") as folder:
        valkey = EmbeddedValkey(folder, durable=True)
        valkey.start()
        yield valkey
        valkey.stop()


def test_redis_goes_and_comes_back_and_two_processes_count_together_again(
    settings: Settings, runtime: Runtime, own_valkey: EmbeddedValkey
) -> None:
    user_id = a_user(runtime)
    sessions = [cookie_header(settings, a_session(runtime, user_id)) for _ in range(2)]
    address = f"/api/users/{user_id}/connections"
    given = small(settings, requests_per_minute=20, redis_url=SecretStr(own_valkey.url), cache_url=None)
    with service(given) as one, service(given) as other:

        def remaining(headers: dict[str, str]) -> tuple[int, int]:
            """What is left of one session's quota, as either process says after one request to each."""
            left, right = (
                int(
                    client.get(address, headers=headers).headers["ratelimit"].split(";")[1].removeprefix("r=")
                )
                for client in (one, other)
            )
            return left, right

        assert remaining(sessions[0]) == (19, 18)
        own_valkey.stop()
        # Each counts for itself, beginning anew.
        assert remaining(sessions[0]) == (19, 19)
        own_valkey.start()

        def count_together() -> bool:
            left, right = remaining(sessions[1])
            return right == left - 1

        assert eventually(count_together, within=15)
