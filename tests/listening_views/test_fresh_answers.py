"""An answer is the history's as it is now, is sent once, and is nobody else's."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from history_trials import DRIZZLE, HISTORY, SLOW_TRAIN, TIN_ROOF, a_listener, add, played, view
from import_trials import undo
from makers import a_user
from spotify_insights.cache.keys import LIST_TTL, history_view, listener_scope
from spotify_insights.database.actor import SYSTEM
from spotify_insights.listening.blocks import refresh as refresh_module
from spotify_insights.listening.blocks.refresh import drop_blocks
from spotify_insights.runtime import Runtime
from spotify_insights.web.hot_reads import HotReads
from spotify_insights.web.listening_views.answering import kept_until

ALL_TIME = {"period": "all_time"}
VIEWS = (
    *("overview", "top", "clock", "calendar", "timeline", "moods", "moods/timeline"),
    *("sessions", "repetition", "compare", "trends"),
)


def plays(client: TestClient, user_id: UUID) -> int:
    count: int = view(client, "overview", user_id, **ALL_TIME)["figures"]["plays"]
    return count


def forget_answers(runtime: Runtime, user_id: UUID) -> None:
    """As a write of this listener's does."""
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        runtime.cache.invalidate(tx, [listener_scope(user_id)])


@pytest.fixture
def asked_for(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every statement that the API's reads send from here on, with how many blocks of plays it gives."""
    statements: list[str] = []
    rows = HotReads.rows

    async def noted(self: HotReads, read: Any, *, acting_for: Any) -> Any:
        found = await rows(self, read, acting_for=acting_for)
        if "known" in read.parameters:
            statements.append(f"{sum(row[10] is not None for row in found)} blocks")
        else:
            statements.append(" ".join(read.statement.split()[:40]))
        return found

    monkeypatch.setattr(HotReads, "rows", noted)
    assert client is not None
    return statements


def blocks_read(statements: list[str]) -> list[str]:
    found = [each for each in statements if each.endswith(" blocks") and each[0].isdigit()]
    statements.clear()
    return found


def test_what_the_client_has_is_not_sent_again(client: TestClient, runtime: Runtime) -> None:
    user_id = a_listener(runtime)
    for name in VIEWS:
        address = f"/api/listening/{name}?user_id={user_id}"
        full = client.get(address)
        etag = full.headers["etag"]

        again = client.get(address, headers={"If-None-Match": etag})
        head = client.head(address)

        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag), name
        assert (head.status_code, head.content, head.headers["etag"]) == (200, b"", etag), name
        assert full.headers["cache-control"] == "private, no-cache"


def test_the_answer_is_the_same_without_the_cache(client: TestClient, runtime: Runtime) -> None:
    user_id = a_listener(runtime)
    address = f"/api/listening/overview?user_id={user_id}&period=all_time"
    first = client.get(address)
    forget_answers(runtime, user_id)

    assert client.get(address, headers={"If-None-Match": first.headers["etag"]}).status_code == 304


def test_a_cached_answer_asks_the_database_for_nothing(
    client: TestClient, runtime: Runtime, asked_for: list[str]
) -> None:
    user_id = a_listener(runtime)
    view(client, "overview", user_id)
    asked_for.clear()

    view(client, "overview", user_id)

    assert asked_for == []


def test_an_answer_is_kept_no_longer_than_the_listeners_day() -> None:
    entry = history_view(uuid4(), reader="somebody", view="overview", asked="nothing")
    noon = datetime(2026, 3, 10, 12, tzinfo=UTC)

    def kept(seconds_to_midnight: int) -> timedelta:
        return kept_until(entry, noon, int(noon.timestamp()) + seconds_to_midnight).ttl

    assert [kept(seconds) for seconds in (7200, 60, 10)] == [LIST_TTL, LIST_TTL, timedelta(seconds=10)]
    # Redis takes nothing that is over already.
    assert timedelta(0) < kept(0) < timedelta(seconds=1)


def test_a_write_ends_what_was_kept(client: TestClient, runtime: Runtime) -> None:
    user_id = a_listener(runtime)
    address = f"/api/listening/overview?user_id={user_id}&period=all_time"
    etag = client.get(address).headers["etag"]
    import_id = add(runtime, user_id, [played(DRIZZLE, "2026-04-05T10:00:00")])
    forget_answers(runtime, user_id)

    changed = client.get(address, headers={"If-None-Match": etag})

    assert (changed.status_code, changed.json()["figures"]["plays"]) == (200, 6)
    undo(runtime, user_id, import_id)
    forget_answers(runtime, user_id)
    assert client.get(address, headers={"If-None-Match": etag}).status_code == 304


def test_after_a_new_play_one_block_is_read(
    client: TestClient, runtime: Runtime, asked_for: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refresh_module, "PLAYS_PER_BLOCK", 2)
    user_id = a_listener(runtime)
    assert plays(client, user_id) == 5
    # Seven plays by two.
    assert blocks_read(asked_for) == ["4 blocks"]
    add(runtime, user_id, [played(TIN_ROOF, "2026-04-06T10:00:00")])
    forget_answers(runtime, user_id)

    assert plays(client, user_id) == 6
    assert blocks_read(asked_for) == ["1 blocks"]
    forget_answers(runtime, user_id)
    assert plays(client, user_id) == 6
    assert blocks_read(asked_for) == ["0 blocks"]


def test_a_change_in_the_middle_and_a_deletion_are_seen(
    client: TestClient, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refresh_module, "PLAYS_PER_BLOCK", 2)
    user_id = a_listener(runtime)
    assert plays(client, user_id) == 5

    early = add(runtime, user_id, [played(SLOW_TRAIN, "2026-01-01T10:00:00")])
    forget_answers(runtime, user_id)
    assert plays(client, user_id) == 6

    undo(runtime, user_id, early)
    forget_answers(runtime, user_id)
    assert plays(client, user_id) == 5


def test_a_new_song_is_named(client: TestClient, runtime: Runtime) -> None:
    user_id = a_listener(runtime)
    view(client, "top", user_id, **ALL_TIME)
    new = played(TIN_ROOF, "2026-05-01T10:00:00", track_name="New", spotify_id="new".ljust(22, "0"))
    add(runtime, user_id, [new])
    forget_answers(runtime, user_id)

    names = {item["name"] for item in view(client, "top", user_id, **ALL_TIME)["items"]}

    assert names == {"Tin Roof", "Drizzle", "Slow Train", "New"}


def test_without_blocks_the_plays_themselves_are_read(client: TestClient, runtime: Runtime) -> None:
    user_id = a_listener(runtime)
    packed = view(client, "overview", user_id, **ALL_TIME)
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        drop_blocks(tx.session, user_id)
    forget_answers(runtime, user_id)

    assert view(client, "overview", user_id, **ALL_TIME) == packed


def test_nobody_is_known_who_does_not_exist(client: TestClient) -> None:
    for name in (*VIEWS, "plays", "plays?format=csv", "plays?from=2026-01-01"):
        answer = client.get(f"/api/listening/{name}", params={"user_id": str(uuid4())})

        assert (answer.status_code, answer.json()["detail"]) == (404, "There is no such user."), name


def test_an_erased_listener_is_gone_at_once(client: TestClient, runtime: Runtime) -> None:
    user_id = a_listener(runtime)
    plays(client, user_id)
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        tx.session.execute(text("DELETE FROM users WHERE id = :id"), {"id": user_id})
    forget_answers(runtime, user_id)

    answer = client.get("/api/listening/overview", params={"user_id": str(user_id), **ALL_TIME})

    assert answer.status_code == 404


def test_listeners_are_told_apart(client: TestClient, runtime: Runtime) -> None:
    full, short = a_listener(runtime), a_listener(runtime, HISTORY[:1])
    nobody = a_user(runtime)

    assert [plays(client, each) for each in (full, short, nobody, full, short)] == [5, 1, 0, 5, 1]
