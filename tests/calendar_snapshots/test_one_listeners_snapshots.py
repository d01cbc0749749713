"""Month, year and all time of one listener: from their own plays, by their own calendar, once a day."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from calendar_trials import snapshots, stand_at, taken
from history_trials import DRIZZLE, HISTORY, SLOW_TRAIN, TIMEZONE, TIN_ROOF, a_listener, add, played
from import_trials import BatchFile, import_file, undo
from ingestions import count
from jobs_inline import work_off
from makers import a_user
from spotify_insights.database.actor import SYSTEM
from spotify_insights.listening.blocks.refresh import drop_blocks
from spotify_insights.listening.take_calendar_snapshots import NO_PLAYS
from spotify_insights.listening.time_range import CalendarRange
from spotify_insights.pretend_spotify.running import RunningPretendSpotify
from spotify_insights.runtime import Runtime
from spotify_insights.spotify_export.entry import ExportBatch

LAST_OF_MARCH = date(2026, 3, 31)


def by_range(documents: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {document["time_range"]: document for document in documents}


def test_month_year_and_all_time_are_counted_from_the_plays_that_we_hold(
    runtime: Runtime, client: TestClient, pretend_spotify: RunningPretendSpotify
) -> None:
    """Of the plays in `history_trials` the private one and the one of ten seconds count nowhere."""
    user_id = a_listener(runtime, [*HISTORY, played(DRIZZLE, "2024-12-31T12:00:00")])

    result = taken(runtime, user_id, LAST_OF_MARCH)

    shown = by_range(snapshots(client, user_id))
    assert result == {"snapshot_ids": {name: each["snapshot_id"] for name, each in shown.items()}}
    assert {(each["snapshot_date"], each["timezone"]) for each in shown.values()} == {
        ("2026-03-31", "Pacific/Auckland")
    }
    # In Auckland it was 1 January 2025 already; 4 April is after the day.
    assert {name: (each["rhythm"]["plays"], each["rhythm"]["days"]) for name, each in shown.items()} == {
        "month": (4, 2),
        "year": (4, 2),
        "all_time": (5, 3),
    }
    assert [(track["name"], track["plays"]) for track in shown["all_time"]["top_tracks"]] == [
        # Of equally many plays, those on more days come first.
        ("Drizzle", 2),
        ("Tin Roof", 2),
        ("Slow Train", 1),
    ]
    assert [(artist["name"], artist["plays"]) for artist in shown["month"]["top_artists"]] == [
        ("Paper Lanterns", 3),
        ("The Sleepers", 1),
    ]
    assert shown["month"]["top_artists"][0]["last_played_before"] == "2025-01-01"
    assert "last_played_before" not in shown["month"]["top_artists"][1]
    assert shown["year"]["rhythm"]["before"] == {"plays": 1, "days": 1, "since": "2025-01-01"}
    assert "before" not in shown["all_time"]["rhythm"]
    assert shown["month"]["coverage"] == {
        "tracks": 3,
        "tracks_with_features": 0,
        "share": 0.0,
        "providers": {},
    }
    assert shown["month"]["mood_patterns"] is None
    assert pretend_spotify.control.requests() == []


def test_the_month_ends_at_the_listeners_own_midnight(runtime: Runtime, client: TestClient) -> None:
    """At noon of 31 March in UTC it is April in Auckland, and two o'clock of that night in Honolulu."""
    plays = [played(TIN_ROOF, "2026-03-31T09:00:00"), played(DRIZZLE, "2026-03-31T12:00:00")]
    for zone, in_march in (("Pacific/Auckland", 1), ("Pacific/Honolulu", 2)):
        user_id = a_listener(runtime, plays, timezone=zone)

        taken(runtime, user_id, LAST_OF_MARCH, CalendarRange.MONTH)

        [month] = snapshots(client, user_id)
        assert month["rhythm"]["plays"] == in_march


def test_a_second_run_of_a_day_keeps_one_row_and_its_content(runtime: Runtime, client: TestClient) -> None:
    user_id = a_listener(runtime)
    taken(runtime, user_id, LAST_OF_MARCH)
    before = by_range(snapshots(client, user_id))

    taken(runtime, user_id, LAST_OF_MARCH)
    # Nor does it matter whether the history is packed.
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        drop_blocks(tx.session, user_id)
    taken(runtime, user_id, LAST_OF_MARCH)

    again = by_range(snapshots(client, user_id))
    assert count(runtime.database, "listening_snapshots") == 3
    for name, document in before.items():
        assert again[name] == {**document, "computed_at": again[name]["computed_at"]}


def test_plays_that_arrive_later_change_the_row_of_the_day(runtime: Runtime, client: TestClient) -> None:
    user_id = a_listener(runtime)
    first = taken(runtime, user_id, LAST_OF_MARCH, CalendarRange.MONTH)
    [before] = snapshots(client, user_id)

    add(runtime, user_id, [played(SLOW_TRAIN, "2026-03-20T18:00:00")])
    second = taken(runtime, user_id, LAST_OF_MARCH, CalendarRange.MONTH)

    assert first == second == {"snapshot_id": before["snapshot_id"]}
    [after] = snapshots(client, user_id)
    assert (before["rhythm"]["plays"], after["rhythm"]["plays"]) == (4, 5)
    assert before["content_hash"] != after["content_hash"]


def test_a_range_without_plays_gets_no_snapshot(runtime: Runtime, client: TestClient) -> None:
    user_id = a_listener(runtime)
    # May: the last play was in April.
    assert taken(runtime, user_id, date(2026, 5, 31), CalendarRange.MONTH) == {
        "snapshot_id": None,
        "reason": NO_PLAYS,
    }
    assert taken(runtime, user_id, date(2026, 5, 31))["snapshot_ids"].keys() == {"year", "all_time"}
    nobody = a_user(runtime)
    assert taken(runtime, nobody, LAST_OF_MARCH) == {"snapshot_ids": {}, "reason": NO_PLAYS}
    assert snapshots(client, nobody) == []


def test_what_is_asked_for_stands_for_the_day_until_now(
    runtime: Runtime, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    user_id = a_listener(runtime)
    # 12 March in Auckland.
    stand_at(monkeypatch, datetime(2026, 3, 11, 12, tzinfo=UTC))

    taken(runtime, user_id, None, CalendarRange.YEAR)

    [year] = snapshots(client, user_id, time_range="year")
    assert (year["snapshot_date"], year["rhythm"]["plays"]) == ("2026-03-12", 4)


def test_somebody_elses_plays_are_nobodys_business(runtime: Runtime, client: TestClient) -> None:
    user_id = a_listener(runtime, HISTORY[:1])
    a_listener(runtime)

    taken(runtime, user_id, LAST_OF_MARCH)

    assert {each["rhythm"]["plays"] for each in snapshots(client, user_id)} == {1}


def test_what_counts_as_a_play_is_what_the_listener_prefers(runtime: Runtime, client: TestClient) -> None:
    """Four of three minutes and more, a skip of ten seconds, and one in a private session."""
    user_id = a_listener(runtime)
    preferred: tuple[tuple[dict[str, Any], int], ...] = (
        ({"play_rule": "all"}, 5),
        ({"play_rule": "lastfm"}, 4),
        ({"play_rule": "all", "private_sessions": True}, 6),
        ({"play_rule": "never", "private_sessions": 1}, 4),
    )
    for preferences, plays in preferred:
        client.patch(f"/api/users/{user_id}", json={"preferences": preferences}).raise_for_status()
        taken(runtime, user_id, LAST_OF_MARCH, CalendarRange.MONTH)
        [month] = snapshots(client, user_id)
        assert month["rhythm"]["plays"] == plays
        rule = preferences["play_rule"]
        assert month["rhythm"].get("play_rule") == (rule if rule in {"all", "lastfm"} else None)


def test_another_rule_gives_another_snapshot_and_the_same_rule_the_same(
    runtime: Runtime, client: TestClient
) -> None:
    """Also where no play is on another side of both rules: it was counted in another way."""
    user_id = a_listener(runtime, HISTORY[:2])
    hashes = []
    for rule in (None, "lastfm", "lastfm", "all", None):
        client.patch(f"/api/users/{user_id}", json={"preferences": {"play_rule": rule}}).raise_for_status()
        taken(runtime, user_id, LAST_OF_MARCH, CalendarRange.ALL_TIME)
        [all_time] = snapshots(client, user_id)
        assert all_time["rhythm"]["plays"] == 2
        hashes.append(all_time["content_hash"])

    by_default, lastfm, lastfm_again, everything, default_again = hashes
    assert (lastfm, by_default) == (lastfm_again, default_again)
    assert len({by_default, lastfm, everything}) == 3


def test_sources_and_suppliers_are_told(runtime: Runtime, client: TestClient) -> None:
    """Ten tracks in a month, of which an operator's catalogue knows six: 60 % of the plays."""
    songs = [
        played(TIN_ROOF, f"2026-03-{day:02}T10:00:00", track_name=f"Song {day}", spotify_id=f"{day:022}")
        for day in range(2, 22)
    ]
    user_id = a_listener(runtime, songs, timezone="UTC")
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        tx.session.execute(text("INSERT INTO feature_catalogues (name) VALUES ('a catalogue')"))
        for day in range(2, 14):
            tx.session.execute(
                text("""
                    INSERT INTO catalogue_features (spotify_id, catalogue_id, valence, energy, tempo)
                    SELECT :spotify_id, id, 0.63, 0.2, 118.047 FROM feature_catalogues
                """),
                {"spotify_id": f"{day:022}"},
            )
        drop_blocks(tx.session, user_id)

    taken(runtime, user_id, LAST_OF_MARCH, CalendarRange.MONTH)

    [month] = snapshots(client, user_id)
    assert month["coverage"] == {
        "tracks": 20,
        "tracks_with_features": 12,
        "share": 0.6,
        "providers": {"catalogue": 1.0},
    }
    # All alike, so the mean is what each of them has, in the digits in which it was told.
    assert {name: each["mean"] for name, each in month["audio_features"].items()} == {
        "energy": 0.2,
        "valence": 0.63,
        "tempo": 118.047,
    }


def test_an_import_and_its_undoing_show_in_todays_snapshots(client: TestClient, runtime: Runtime) -> None:
    user_id = a_user(runtime, timezone=TIMEZONE)
    batch = ExportBatch(source="spotify_export", file_name="a.json", music=list(HISTORY))

    first = import_file(runtime, user_id, BatchFile([batch])).import_id
    work_off(runtime)
    (told,) = snapshots(client, user_id, time_range="all_time")
    # Without the skip and what was heard in a private session.
    assert told["rhythm"]["plays"] == 5

    undo(runtime, user_id, first)
    work_off(runtime)
    assert snapshots(client, user_id, time_range="all_time") == []
