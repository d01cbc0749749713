"""What can be asked of a view, and what is refused with its reason."""

from starlette.testclient import TestClient

from history_trials import a_listener, view
from spotify_insights.runtime import Runtime

BAD = [
    ("overview", {"period": "decade"}, "period"),
    ("overview", {"day": "yesterday"}, "day"),
    ("overview", {"day": "2026-02-30"}, "day"),
    ("overview", {"day": "1969-12-31"}, "day"),
    ("overview", {"period": "month", "day": "2150-01-01"}, "day"),
    ("overview", {"period": "all_time", "day": "2026-01-01"}, "day"),
    ("overview", {"from": "2026-01-01"}, "to"),
    ("overview", {"to": "2026-01-01"}, "from"),
    ("overview", {"period": "custom"}, "from"),
    ("overview", {"from": "2026-01-02", "to": "2026-01-01"}, "to"),
    ("overview", {"from": "1950-01-02", "to": "2026-01-01"}, "from"),
    ("overview", {"from": "2150-01-01", "to": "2150-01-02"}, "from"),
    ("overview", {"from": "2026-01-01", "to": "2026-01-02", "day": "2026-01-01"}, "day"),
    ("overview", {"period": "month", "from": "2026-01-01", "to": "2026-01-02"}, "from"),
    ("overview", {"period": "month", "to": "2026-01-02"}, "to"),
    ("overview", {"rule": "mine"}, "rule"),
    ("overview", {"private_sessions": "perhaps"}, "private_sessions"),
    ("top", {"of": "genres"}, "of"),
    ("top", {"by": "mood"}, "by"),
    ("top", {"limit": "0"}, "limit"),
    ("top", {"limit": "501"}, "limit"),
    ("timeline", {"bucket": "decade"}, "bucket"),
    ("moods/timeline", {"bucket": "hour"}, "bucket"),
    ("sessions", {"longest_pause_minutes": "0"}, "longest_pause_minutes"),
    ("sessions", {"longest_pause_minutes": "1441"}, "longest_pause_minutes"),
    ("sessions", {"limit": "101"}, "limit"),
    ("repetition", {"window_days": "0"}, "window_days"),
    ("repetition", {"window_days": "366"}, "window_days"),
    ("compare", {"limit": "501"}, "limit"),
    ("trends", {"rule": "mine"}, "rule"),
    ("plays", {"format": "xml"}, "format"),
    ("plays", {"from": "today"}, "from"),
    ("plays", {"from": "1950-01-01"}, "from"),
    ("plays", {"from": "2026-01-02", "to": "2026-01-01"}, "to"),
    ("plays", {"artist": ""}, "artist"),
    ("plays", {"track": "a\x00b"}, "track"),
    ("plays", {"source": "radio"}, "source"),
    ("plays", {"min_ms": "-1"}, "min_ms"),
    ("plays", {"include_skips": "some"}, "include_skips"),
    ("plays", {"include_superseded": "some"}, "include_superseded"),
    ("plays", {"limit": "101"}, "limit"),
    ("plays", {"cursor": "nonsense"}, "cursor"),
]


def test_what_cannot_be_is_refused_by_field_and_reason(client: TestClient, runtime: Runtime) -> None:
    user_id = str(a_listener(runtime))
    for name, asked, field in BAD:
        answer = client.get(f"/api/listening/{name}", params={"user_id": user_id, **asked})
        problem = answer.json()

        assert answer.status_code == 422, (name, asked, answer.text)
        assert [error["field"] for error in problem["errors"]] == [field], (name, asked, problem)
        assert problem["errors"][0]["reason"], (name, asked)


PERIODS = [
    ({"period": "day", "day": "2026-03-10"}, "day", "2026-03-10", "2026-03-10"),
    ({"period": "week", "day": "2026-03-15"}, "week", "2026-03-09", "2026-03-15"),
    ({"period": "year", "day": "2025-07-01"}, "year", "2025-01-01", "2025-12-31"),
    ({"period": "short_term", "day": "2026-03-28"}, "short_term", "2026-03-01", "2026-03-28"),
    ({"from": "2026-03-01", "to": "2026-03-02"}, "custom", "2026-03-01", "2026-03-02"),
    ({"period": "custom", "from": "2026-03-01", "to": "2026-03-01"}, "custom", "2026-03-01", "2026-03-01"),
]


def test_periods(client: TestClient, runtime: Runtime) -> None:
    user_id = a_listener(runtime)
    for asked, name, first_day, last_day in PERIODS:
        period = view(client, "overview", user_id, **asked)["period"]

        assert (period["name"], period["first_day"], period["last_day"]) == (name, first_day, last_day)


def test_one_day_in_auckland_and_the_same_in_honolulu(client: TestClient, runtime: Runtime) -> None:
    day = {"period": "day", "day": "2026-03-10"}
    # Slow Train ended on the 11th in Auckland, and at 01:05 on the 10th in Honolulu.
    expected = {"Pacific/Auckland": ["Tin Roof", "Drizzle"], "Pacific/Honolulu": ["Slow Train"]}
    for timezone, names in expected.items():
        seen = view(client, "top", a_listener(runtime, timezone=timezone), **day)

        assert [item["name"] for item in seen["items"]] == names
