"""Politeness: calls to one server keep apart, whichever process makes them, and stop together."""

import math
import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
import redis

from conftest import Servers
from passing_pace import PaceClock
from redis_gone import unusable_redis
from spotify_insights.cache.cache import Cache
from spotify_insights.cache.keys import pace_keys
from spotify_insights.cache.shared_pace import SharedPace
from spotify_insights.outbound.pace import LONGEST_QUEUE, OwnPace

__all__ = ["unusable_redis"]

SERVER = "test"
NEXT, REFUSED = pace_keys(SERVER)
APART = timedelta(seconds=10)
AN_HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> PaceClock:
    """Redis' own clock goes on as it is, so that to it everything here happens within a moment."""
    return PaceClock.kept_by(monkeypatch)


@pytest.fixture
def client(empty: Servers) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(empty.redis_url) as opened:
        yield opened


@pytest.fixture
def processes(empty: Servers) -> Iterator[tuple[SharedPace, SharedPace]]:
    """Two that know of each other by Redis alone."""
    caches = Cache(empty.redis_url), Cache(empty.redis_url)
    yield SharedPace(caches[0], SERVER, apart=APART), SharedPace(caches[1], SERVER, apart=APART)
    for cache in caches:
        cache.close()


@pytest.fixture
def alone(unusable_redis: str) -> Iterator[SharedPace]:
    """One without a Redis."""
    cache = Cache(unusable_redis)
    yield SharedPace(cache, SERVER, apart=APART)
    cache.close()


def test_calls_of_one_process_begin_apart_and_nobody_waits_for_longer(clock: PaceClock) -> None:
    polite = OwnPace(timedelta(seconds=1))

    begun = []
    for busy in (0.25, 0.0, 3.0, 0.5):
        assert polite.begin() is None
        begun.append(clock.now)
        clock.now += busy

    assert begun == [100.0, 101.0, 102.0, 105.0]


def test_processes_take_turns(processes: tuple[SharedPace, SharedPace]) -> None:
    one, other = processes

    waits = [pace.take(at_once=False).wait for pace in (one, other, other, one)]

    # Ten seconds from each other, less what has passed meanwhile.
    assert [math.ceil(wait / 10) for wait in waits] == [0, 1, 2, 3]


def test_many_at_once_get_different_turns(empty: Servers) -> None:
    caches = [Cache(empty.redis_url) for _ in range(4)]
    paces = [SharedPace(cache, SERVER, apart=timedelta(seconds=2)) for cache in caches]
    together, turns = threading.Barrier(12), list[float]()

    def take(pace: SharedPace) -> None:
        together.wait()
        turns.append(pace.take(at_once=False).wait)

    threads = [threading.Thread(target=take, args=[pace]) for pace in paces * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for cache in caches:
        cache.close()

    assert sorted(math.ceil(turn / 2) for turn in turns) == list(range(12))


def test_who_would_wait_for_long_is_sent_away_and_takes_no_turn(
    processes: tuple[SharedPace, SharedPace], clock: PaceClock, client: redis.Redis
) -> None:
    one, other = processes
    client.set(NEXT, "", px=LONGEST_QUEUE + AN_HOUR)

    away = [one.begin(), other.begin()]

    assert all(wait is not None and LONGEST_QUEUE < wait <= LONGEST_QUEUE + AN_HOUR for wait in away)
    assert clock.slept == []
    assert client.pttl(NEXT) <= (LONGEST_QUEUE + AN_HOUR) / timedelta(milliseconds=1)


def test_whoever_looks_at_a_page_waits_for_no_turn_and_others_keep_apart_from_it(
    processes: tuple[SharedPace, SharedPace], clock: PaceClock
) -> None:
    one, other = processes

    assert [one.begin(at_once=True) for _ in range(3)] == [None, None, None]
    assert clock.slept == []
    assert other.begin() is None
    assert len(clock.slept) == 1
    assert 0 < clock.slept[0] <= APART.total_seconds()


def test_a_refusal_of_one_process_stops_all_until_it_is_over(
    processes: tuple[SharedPace, SharedPace], clock: PaceClock, client: redis.Redis
) -> None:
    one, other = processes

    one.stay_away(AN_HOUR)
    one.stay_away(APART)

    for pace in processes:
        for at_once in (False, True):
            wait = pace.begin(at_once=at_once)
            assert wait is not None
            assert AN_HOUR - APART < wait <= AN_HOUR
    client.delete(REFUSED)
    assert other.begin() is None
    assert clock.slept == []


def test_who_was_waiting_when_another_was_refused_does_not_call(
    processes: tuple[SharedPace, SharedPace], clock: PaceClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = processes
    assert one.begin() is None
    monkeypatch.setattr(clock, "sleep", lambda _seconds: one.stay_away(AN_HOUR))

    wait = other.begin()

    assert wait is not None
    assert wait > APART


def test_what_is_kept_in_redis_ends_by_itself(
    processes: tuple[SharedPace, SharedPace], client: redis.Redis
) -> None:
    processes[0].begin()
    processes[0].stay_away(AN_HOUR)

    assert 0 < client.pttl(NEXT) <= 10_000
    assert 0 < client.pttl(REFUSED) <= 3_600_000


def test_without_redis_a_process_keeps_the_pace_alone(alone: SharedPace, clock: PaceClock) -> None:
    assert [alone.begin() for _ in range(3)] == [None, None, None]
    assert clock.slept == [10.0, 10.0]

    alone.stay_away(AN_HOUR)

    assert alone.begin() == AN_HOUR
    assert alone.begin(at_once=True) == AN_HOUR
    clock.now += AN_HOUR.total_seconds()
    assert alone.begin() is None


def test_a_process_remembers_turn_and_refusal_when_redis_forgets(
    processes: tuple[SharedPace, SharedPace], clock: PaceClock, client: redis.Redis
) -> None:
    one, _ = processes
    assert one.begin() is None
    client.delete(NEXT)

    assert one.begin() is None
    assert clock.slept == [10.0]

    one.stay_away(AN_HOUR)
    client.delete(REFUSED)

    assert one.begin() == AN_HOUR
