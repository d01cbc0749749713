"""Whatever address redis-py understands, Celery's broker is the same server, database and user."""

from typing import Any
from urllib.parse import quote

import pytest
import redis
from celery import Celery
from hypothesis import given
from hypothesis import strategies as st
from kombu.utils.url import url_to_parts

from spotify_insights.jobs.celery_app import create_celery

words = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12)


def in_query(user: str, password: str, database: int) -> str:
    return f"username={quote(user, safe='')}&password={quote(password, safe='')}&db={database}"


def as_kombu_reads_it(address: str) -> dict[str, Any]:
    app: Celery = create_celery(address)
    with app.connection_for_write() as broker:
        place = str(broker.hostname)
        if place.startswith("socket://"):
            parts = url_to_parts(place)
            return {
                "path": f"/{parts.path}",
                "username": parts.username,
                "password": parts.password,
                "db": int(parts.query["virtual_host"]),
            }
        return {
            "host": place,
            "port": broker.port or 6379,
            "username": broker.userid,
            "password": broker.password,
            "db": int(str(broker.virtual_host).strip("/") or 0),
        }


def as_redis_reads_it(address: str) -> dict[str, Any]:
    with redis.Redis.from_url(address) as client:
        given = client.connection_pool.connection_kwargs
    place = {"path": given["path"]} if "path" in given else {"host": given["host"], "port": given["port"]}
    wanted = {"username": None, "password": None, "db": 0}
    return place | {name: given.get(name, usual) for name, usual in wanted.items()}


@pytest.mark.parametrize(
    "address",
    [
        "redis://host:6380?password=secret",
        "redis://host:6380/3?password=secret",
        "redis://host:6380/3?db=4",
        "redis://host:6380?username=me&password=a%40b%2Fc%3B",
        "redis://:outside@host:6380/1?password=inside",
        "redis://host:6380/2?socket_timeout=5&max_connections=9",
        "rediss://me:secret@host:6380/0?db=2",
        "unix:///run/redis.sock?password=secret&db=2",
        "unix://me:secret@/run/redis.sock?db=2",
    ],
)
def test_the_broker_is_the_redis_of_the_address(address: str) -> None:
    assert as_kombu_reads_it(address) == as_redis_reads_it(address)


@pytest.mark.parametrize("place", ["redis://host:6380", "unix:///run/redis.sock"])
@given(user=words, password=words, database=st.integers(0, 15))
def test_any_name_and_password_may_stand_in_the_query(
    place: str, user: str, password: str, database: int
) -> None:
    address = f"{place}?{in_query(user, password, database)}"
    read = as_kombu_reads_it(address)
    assert (read["username"], read["password"], read["db"]) == (user, password, database)
    assert read == as_redis_reads_it(address)


def test_tls_settings_stay() -> None:
    with create_celery("rediss://host:6380/0?ssl_cert_reqs=none&password=x").connection_for_write() as broker:
        assert isinstance(broker.ssl, dict)
        assert broker.ssl.keys() == {"ssl_cert_reqs"}
        assert broker.password == "x"
