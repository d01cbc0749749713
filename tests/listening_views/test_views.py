"""Every view of a history of seven rows, counted by hand."""

import pytest
from starlette.testclient import TestClient

from feature_trials import in_catalogue
from history_trials import TIN_ROOF, a_listener, played, view
from spotify_insights.runtime import Runtime

VIEWS = (
    *("overview", "top", "clock", "calendar", "timeline", "moods", "moods/timeline"),
    *("sessions", "repetition", "compare", "trends"),
)
MARCH = {"period": "month", "day": "2026-03-15"}


def test_overview(client: TestClient, runtime: Runtime) -> None:
    user_id = a_listener(runtime)

    seen = view(client, "overview", user_id, **MARCH)

    assert seen["user_id"] == str(user_id)
    assert seen["period"] == {
        "name": "month",
        "first_day": "2026-03-01",
        "last_day": "2026-03-31",
        "ends_on": "2026-03-31",
        "timezone": "Pacific/Auckland",
        "before": {"first_day": "2026-02-01", "last_day": "2026-02-28"},
    }
    assert seen["counting"] == {"rule": "spotify", "private_sessions": False}
    figures = seen["figures"]
    assert (figures["rows"], figures["plays"], figures["too_short"], figures["skips"]) == (5, 4, 1, 1)
    assert figures["ms_listened"] == 3 * 180_000 + 600_000
    assert (figures["tracks"], figures["artists"], figures["albums"]) == (3, 2, 2)
    assert (figures["days"], figures["active_days"]) == (31, 2)
    assert seen["first_play"] == {
        "ended_at": "2026-03-09T18:03:00Z",
        "track": {
            "name": "Tin Roof",
            "artist": "Paper Lanterns",
            "album": "Weather Reports",
            "spotify_id": "tinroof".ljust(22, "0"),
        },
    }
    assert seen["last_play"]["track"]["name"] == "Slow Train"
    assert seen["streaks"]["longest"] == {"days": 2, "first_day": "2026-03-10", "last_day": "2026-03-11"}
    # Nobody knows how these tracks sound, and nothing is made up.
    assert seen["profile"]["coverage"] == {"tracks": 3, "tracks_with_features": 0, "share": 0.0}
    assert seen["profile"]["missing"] == "low_coverage"


TOPS = [
    ("tracks", "plays", [("Tin Roof", 2, 360_000), ("Slow Train", 1, 600_000), ("Drizzle", 1, 180_000)]),
    ("tracks", "time", [("Slow Train", 1, 600_000), ("Tin Roof", 2, 360_000), ("Drizzle", 1, 180_000)]),
    ("artists", "plays", [("Paper Lanterns", 3, 540_000), ("The Sleepers", 1, 600_000)]),
    ("artists", "time", [("The Sleepers", 1, 600_000), ("Paper Lanterns", 3, 540_000)]),
    ("albums", "plays", [("Weather Reports", 3, 540_000), ("Night Lines", 1, 600_000)]),
]


def test_top(client: TestClient, runtime: Runtime) -> None:
    user_id = a_listener(runtime)
    for of, by, expected in TOPS:
        seen = view(client, "top", user_id, of=of, by=by, **MARCH)

        assert [(item["name"], item["plays"], item["ms"]) for item in seen["items"]] == expected
        assert [item["rank"] for item in seen["items"]] == list(range(1, len(expected) + 1))
        assert (seen["distinct"], seen["plays"], seen["ms"]) == (len(expected), 4, 1_140_000)


def test_top_says_where_it_stood_before(client: TestClient, runtime: Runtime) -> None:
    seen = view(client, "top", a_listener(runtime), period="month", day="2026-04-10", limit=1)

    [item] = seen["items"]
    assert (item["name"], item["rank"], item["previous_rank"], item["share"]) == ("Tin Roof", 1, 1, 1.0)


def test_clock(client: TestClient, runtime: Runtime) -> None:
    seen = view(client, "clock", a_listener(runtime), **MARCH)

    # On Tuesday three plays end after seven in the morning, on Wednesday one after midnight.
    assert {(day, hour): n for day, row in enumerate(seen["plays"]) for hour, n in enumerate(row) if n} == {
        (1, 7): 3,
        (2, 0): 1,
    }
    assert [(part["part"], part["plays"]) for part in seen["parts"]] == [
        ("morning", 3),
        ("midday", 0),
        ("afternoon", 0),
        ("evening", 0),
        ("night", 1),
    ]
    assert seen["coverage"]["tracks_with_features"] == 0


def test_calendar_and_timeline(client: TestClient, runtime: Runtime) -> None:
    user_id = a_listener(runtime)

    days = view(client, "calendar", user_id, **MARCH)["buckets"]
    weeks = view(client, "timeline", user_id, bucket="week", **MARCH)["buckets"]
    months = view(client, "timeline", user_id, **{"from": "2026-01-15", "to": "2026-04-30"})

    assert len(days) == 31
    assert {day["start"]: (day["plays"], day["ms"]) for day in days if day["plays"]} == {
        "2026-03-10": (3, 540_000),
        "2026-03-11": (1, 600_000),
    }
    assert [(week["start"], week["plays"]) for week in weeks] == [
        ("2026-02-23", 0),
        ("2026-03-02", 0),
        ("2026-03-09", 4),
        ("2026-03-16", 0),
        ("2026-03-23", 0),
        ("2026-03-30", 0),
    ]
    assert months["bucket"] == "month"
    assert [(month["start"], month["plays"]) for month in months["buckets"]] == [
        ("2026-01-01", 0),
        ("2026-02-01", 0),
        ("2026-03-01", 4),
        ("2026-04-01", 1),
    ]


def test_sessions(client: TestClient, runtime: Runtime) -> None:
    user_id = a_listener(runtime)

    seen = view(client, "sessions", user_id, **MARCH)

    assert seen["sessions"] == 2
    assert seen["longest"] == [
        {
            "began_at": "2026-03-09T18:00:00Z",
            "ended_at": "2026-03-09T18:10:00Z",
            "seconds": 600,
            "plays": 3,
            "tracks": 2,
            "skip_rate": 0.25,
        },
        {
            "began_at": "2026-03-10T10:55:00Z",
            "ended_at": "2026-03-10T11:05:00Z",
            "seconds": 600,
            "plays": 1,
            "tracks": 1,
            "skip_rate": 0.0,
        },
    ]
    # From 18:06:10, or from the start of the last play at 18:07, to 18:10: a pause of 50 seconds is no break.
    assert view(client, "sessions", user_id, longest_pause_minutes=1, **MARCH)["sessions"] == 2


def test_moods_of_ten_known_songs_and_an_unknown_one(client: TestClient, runtime: Runtime) -> None:
    names = [f"song {letter}" for letter in "abcdefghijk"]
    history = [
        played(TIN_ROOF, f"2026-03-{10 + place:02}T00:00:00", track_name=name, spotify_id=name.ljust(22, "0"))
        for place, name in enumerate(names)
    ]
    # Five as bright and loud as can be, five in the middle of everything; of the last one nobody knows.
    sounds = [{"valence": 1.0, "energy": 1.0}] * 5 + [{"valence": 0.5, "energy": 0.5}] * 5
    in_catalogue(
        runtime.database,
        {name.ljust(22, "0"): sound for name, sound in zip(names, sounds, strict=False)},
    )
    user_id = a_listener(runtime, history)

    seen = view(client, "moods", user_id, **MARCH)
    [month] = view(client, "moods/timeline", user_id, bucket="month", **MARCH)["buckets"]

    assert seen["coverage"] == {"tracks": 11, "tracks_with_features": 10, "share": pytest.approx(10 / 11)}
    assert seen["missing"] is None
    shares = seen["shares"]
    assert (shares["neutral"], sum(shares.values())) == (pytest.approx(0.5), pytest.approx(1))
    assert max(shares, key=lambda name: shares[name] * (name != "neutral")) == "upbeat"
    # Five coloured tracks are too few to tell how diverse they are.
    assert (seen["diversity"], seen["diversity_missing"]) == (None, "few_tracks")
    # Buckets have four decimals.
    assert {name: month[name] for name in shares} == {name: round(shares[name], 4) for name in shares}
    assert (month["start"], month["coverage"]) == ("2026-03-01", 0.9091)


def test_repetition(client: TestClient, runtime: Runtime) -> None:
    seen = view(client, "repetition", a_listener(runtime), **MARCH)

    assert (seen["plays"], seen["tracks"], seen["repeat_rate"]) == (4, 3, 0.25)
    assert (seen["top_1_share"], seen["reconsumption"]) == (0.5, 0.25)
    assert seen["longest_run"]["plays"] == 1
    assert seen["longest_run"]["track"]["name"] == "Tin Roof"
    assert (seen["discovery_rate"], seen["discovery_missing"]) == (None, "short_history")


def test_compare(client: TestClient, runtime: Runtime) -> None:
    seen = view(client, "compare", a_listener(runtime), period="month", day="2026-04-10")

    plays = next(change for change in seen["changes"] if change["name"] == "plays")
    assert plays == {"name": "plays", "now": 1, "before": 4, "difference": -3, "ratio": 0.25}
    [moved] = seen["moved"]
    assert moved["artist"]["name"] == "Paper Lanterns"
    assert (moved["rank"], moved["rank_before"], moved["places"]) == (1, 1, 0)
    [dropped] = seen["dropped"]
    assert (dropped["artist"]["name"], dropped["rank"], dropped["plays"]) == ("The Sleepers", 2, 1)
    assert (seen["new"], seen["features"], seen["missing"]) == ([], [], "low_coverage")


def test_trends_of_somebody_who_has_stopped(client: TestClient, runtime: Runtime) -> None:
    seen = view(client, "trends", a_listener(runtime))

    assert (seen["plays"]["recent"], seen["plays"]["usual"], seen["plays"]["missing"]) == (
        0.0,
        0.0,
        "no_spread",
    )
    assert seen["coverage"] == {"tracks": 0, "tracks_with_features": 0, "share": 0.0}


def test_all_time_begins_on_the_day_of_the_first_play(client: TestClient, runtime: Runtime) -> None:
    seen = view(client, "overview", a_listener(runtime), period="all_time")

    assert (seen["period"]["first_day"], seen["period"]["before"]) == ("2026-03-10", None)
    assert seen["figures"]["plays"] == 5


def test_what_counts_can_be_chosen(client: TestClient, runtime: Runtime) -> None:
    user_id = a_listener(runtime)

    def plays(**asked: str) -> int:
        figures: dict[str, int] = view(client, "overview", user_id, **MARCH, **asked)["figures"]
        return figures["plays"]

    assert plays() == 4
    assert plays(rule="all") == 5
    assert plays(rule="all", private_sessions="true") == 6
    # No source tells the lengths: what was played to its end counts.
    assert plays(rule="lastfm") == 4
    client.patch(
        f"/api/users/{user_id}", json={"preferences": {"play_rule": "all", "private_sessions": True}}
    )
    assert plays() == 6
    assert plays(rule="spotify", private_sessions="false") == 4
    client.patch(f"/api/users/{user_id}", json={"preferences": {"play_rule": "never", "private_sessions": 1}})
    assert plays() == 4


def test_a_listener_without_any_play(client: TestClient, runtime: Runtime) -> None:
    user_id = a_listener(runtime, ())
    for name in VIEWS:
        for asked in ({"period": "month"}, {"period": "all_time"}, {"period": "year"}):
            seen = view(client, name, user_id, **({} if name == "trends" else asked))

            assert seen["counting"]["rule"] == "spotify"
            assert not seen.get("items")
