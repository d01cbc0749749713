"""Small values that the synchronous core keeps: they come back, they end, and damage is no error."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import redis

from conftest import Servers
from spotify_insights.cache.cache import Cache
from spotify_insights.cache.codec import SignedPickleCodec

A_MINUTE = timedelta(minutes=1)
CODEC = SignedPickleCodec(bytes(32), purpose="test")


@pytest.fixture
def cache(empty: Servers) -> Iterator[Cache]:
    built = Cache(empty.redis_url)
    yield built
    built.close()


@pytest.fixture
def client(empty: Servers) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(empty.redis_url) as opened:
        yield opened


@pytest.mark.parametrize("value", [0, False, "", [], {"a": [1, None, "ü"]}, 1.5])
def test_a_kept_value_comes_back(cache: Cache, value: object) -> None:
    cache.set("si:test", value, ttl=A_MINUTE)

    assert cache.get("si:test") == value


def test_what_was_never_kept_is_none(cache: Cache) -> None:
    assert cache.get("si:test") is None


def test_a_kept_value_ends(cache: Cache, client: redis.Redis) -> None:
    cache.set("si:test", 1, ttl=A_MINUTE)

    assert 0 < client.pttl("si:test") <= 60_000


@pytest.mark.parametrize("damage", [b"", b"{", b"\xff", bytes(200)])
@pytest.mark.parametrize("signed", [False, True])
def test_a_damaged_value_is_removed_and_missing(
    cache: Cache, client: redis.Redis, damage: bytes, *, signed: bool
) -> None:
    client.set("si:test", damage)

    found = cache.get("si:test", codec=CODEC) if signed else cache.get("si:test")

    assert found is None
    assert not client.exists("si:test")


def test_a_signed_value_is_not_read_for_another_purpose(cache: Cache) -> None:
    cache.set("si:test", {1, 2}, ttl=A_MINUTE, codec=CODEC)

    assert cache.get("si:test", codec=SignedPickleCodec(bytes(32), purpose="other")) is None
