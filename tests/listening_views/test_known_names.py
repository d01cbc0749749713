"""Names that were read a moment ago: few reads, and no old name for long."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import psycopg
import pytest
from typing_extensions import override

from conftest import Servers
from spotify_insights.database.actor import SYSTEM, Actor
from spotify_insights.listening.views.documents import Computed
from spotify_insights.runtime import Runtime
from spotify_insights.web.hot_reads import HotReads
from spotify_insights.web.listening_views import known_names as known_names_module
from spotify_insights.web.listening_views.known_names import KEEP_SECONDS, KnownNames


class CountedReads(HotReads):
    """Reads, and how many ids each asked for."""

    def __init__(self, runtime: Runtime) -> None:
        settings = runtime.settings
        super().__init__(
            settings.database_url.get_secret_value(), settings.redis_url.get_secret_value(), pool_size=2
        )
        self.asked: list[int] = []

    @override
    async def rows(self, read: Any, *, acting_for: Actor) -> Any:
        self.asked.append(len(read.parameters["ids"]))
        return await super().rows(read, acting_for=acting_for)


def three_tracks(servers: Servers) -> None:
    with psycopg.connect(servers.database_url) as connection:
        connection.execute(
            "INSERT INTO tracks (id, name, source) OVERRIDING SYSTEM VALUE"
            " SELECT n, 'Song ' || n, 'manual' FROM generate_series(1, 3) n"
        )


def asked_for(runtime: Runtime, steps: Callable[[Callable[..., Any]], Awaitable[None]]) -> list[int]:
    """Do the steps, which get a function that asks for names of tracks; how many each read asked for."""

    async def run() -> list[int]:
        reads = CountedReads(runtime)
        await reads.open()
        moment = [1000.0]
        known = KnownNames(reads, lambda: moment[0])

        async def names(*tracks: int, seconds_later: float = 0.0) -> list[str | None]:
            moment[0] += seconds_later
            shown = Computed(lambda _: {}, tracks=frozenset(tracks))
            found = await known.of(shown, acting_for=SYSTEM)
            return [found.track(track)["name"] for track in tracks]

        try:
            await steps(names)
        finally:
            await reads.close()
        return reads.asked

    return asyncio.run(run())


def test_a_name_is_read_once_in_a_minute(runtime: Runtime, empty: Servers) -> None:
    three_tracks(empty)

    async def steps(names: Callable[..., Any]) -> None:
        assert await names(1, 2) == ["Song 1", "Song 2"]
        assert await names(3, 1, 2) == ["Song 3", "Song 1", "Song 2"]
        assert await names(2, 3) == ["Song 2", "Song 3"]

    assert asked_for(runtime, steps) == [2, 1]


def test_a_new_name_is_seen_within_a_minute(runtime: Runtime, empty: Servers) -> None:
    three_tracks(empty)

    async def steps(names: Callable[..., Any]) -> None:
        assert await names(1) == ["Song 1"]
        # Others that are read later do not make it stay.
        assert await names(2, seconds_later=KEEP_SECONDS / 2) == ["Song 2"]
        with psycopg.connect(empty.database_url) as connection:
            connection.execute("UPDATE tracks SET name = 'Song 1 (remastered)' WHERE id = 1")
        assert await names(1, seconds_later=KEEP_SECONDS / 2) == ["Song 1 (remastered)"]

    assert asked_for(runtime, steps) == [1, 1, 1]


def test_as_many_as_there_is_room_for(
    runtime: Runtime, empty: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(known_names_module, "MOST_NAMES", 2)
    three_tracks(empty)

    async def steps(names: Callable[..., Any]) -> None:
        assert await names(1, 2) == ["Song 1", "Song 2"]
        assert await names(2, 3) == ["Song 2", "Song 3"]
        assert await names(2) == ["Song 2"]

    assert asked_for(runtime, steps) == [2, 1, 1]
