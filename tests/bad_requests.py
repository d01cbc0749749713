"""For tests of the HTTP API: one bad request of each kind, and what is wrong with it."""

import json
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

SECRET = "canary0c6d1b7e"
# The same in each process that runs tests: some are named after it.
NOBODY = str(UUID(int=2**127 + 1, version=4))
JSON = {"Content-Type": "application/json"}
A_MEBIBYTE = 1024 * 1024


@dataclass(frozen=True)
class Bad:
    """One bad request and what is wrong with it. `fields` are those that the answer has to name."""

    name: str
    method: str
    path: str
    status: int = 422
    code: str = "invalid_input"
    fields: frozenset[str] = frozenset()
    sent: dict[str, Any] = field(default_factory=dict)


def handover(**changes: object) -> dict[str, object]:
    return {
        "user_id": NOBODY,
        "access_token": SECRET,
        "refresh_token": SECRET,
        "expires_in": 3600,
        "scope": "user-top-read",
    } | changes


def bad_handover(name: str, at_fault: str, **changes: object) -> Bad:
    # Written by hand where JSON knows the value and the client's encoder would refuse it.
    body = json.dumps(handover(**changes)).encode()
    return Bad(
        name, "POST", "/api/tokens/store", fields=frozenset({at_fault}), sent={"data": body, "headers": JSON}
    )


def bad_query(name: str, path: str, at_fault: str, *, method: str = "GET", **params: object) -> Bad:
    return Bad(name, method, path, fields=frozenset({at_fault}), sent={"params": params | {"token": SECRET}})


def raw(name: str, body: bytes, *, at_fault: str = "body", path: str = "/api/tokens/store") -> Bad:
    return Bad(name, "POST", path, fields=frozenset({at_fault}), sent={"data": body, "headers": JSON})


def profile(name: str, at_fault: str, body: object) -> Bad:
    sent = {"data": json.dumps(body).encode(), "headers": JSON}
    return Bad(name, "PATCH", f"/api/users/{NOBODY}", fields=frozenset({at_fault}), sent=sent)


def unknown(name: str, method: str, path: str, **sent: object) -> Bad:
    return Bad(name, method, path, status=404, code="not_found", sent=dict(sent))


def foreign_content_type(content_type: str) -> Bad:
    return Bad(
        f"body as {content_type}",
        "POST",
        "/api/tokens/store",
        status=415,
        code="unsupported_content_type",
        sent={"data": json.dumps(handover()).encode(), "headers": {"Content-Type": content_type}},
    )


def wrong_method(method: str, path: str) -> Bad:
    return Bad(f"{method} {path}", method, path, status=405, code="method_not_allowed")


LISTS = ("/api/listening/snapshots", "/api/tasks", f"/api/insights/user/{NOBODY}")

BAD_REQUESTS = [
    *(
        bad_handover(f"expires_in {value!r:.20}", "expires_in", expires_in=value)
        for value in (
            -1,
            0,
            10**12,
            10**400,
            3600.5,
            1e308,
            float("nan"),
            float("inf"),
            "3600",
            "",
            True,
            None,
        )
    ),
    bad_handover("expires_in a list", "expires_in", expires_in=[3600]),
    bad_handover("the token as expires_in", "expires_in", expires_in=SECRET),
    bad_handover("the token as user", "user_id", user_id=SECRET),
    bad_handover("the user as a number", "user_id", user_id=7),
    bad_handover("an empty token", "access_token", access_token=""),
    bad_handover("a token with a blank", "refresh_token", refresh_token=f"{SECRET} {SECRET}"),
    bad_handover("a token with a line break", "access_token", access_token=f"{SECRET}\r\nX-Evil: 1"),
    bad_handover("a token with NUL", "access_token", access_token=f"{SECRET}\0"),
    bad_handover("a token with a lone surrogate", "access_token", access_token=f"{SECRET}\ud800"),
    bad_handover("a token of 5000 characters", "access_token", access_token=SECRET + "x" * 5000),
    bad_handover("a token as an object", "access_token", access_token={SECRET: SECRET}),
    bad_handover("a scope with a control character", "scope", scope="user-top-read\x1b[2J"),
    bad_handover("no token at all", "access_token", access_token=None),
    raw("an empty body", b""),
    raw("no JSON", b'{"access_token": "' + SECRET.encode()),
    raw("JSON that is no object", json.dumps([SECRET]).encode()),
    raw("a JSON string", json.dumps(SECRET).encode()),
    raw("bytes that are no UTF-8", b'{"access_token": "' + SECRET.encode() + b'\xff\xfe\xfa"}'),
    raw("100000 open brackets", b"[" * 100_000),
    raw("100000 nested objects", b'{"a":' * 100_000 + b"1" + b"}" * 100_000),
    raw("900 nested objects", b'{"user_id":' * 900 + b"1" + b"}" * 900, at_fault="user_id"),
    raw("a number of 5000 digits", b'{"expires_in": ' + b"9" * 5000 + b"}"),
    *(
        raw(
            f"a user with {name}",
            json.dumps({"spotify_user_id": f"a{text}b", "display_name": SECRET}).encode(),
            at_fault="spotify_user_id",
            path="/api/users/register",
        )
        for name, text in {
            "a lone surrogate": "\ud800",
            "NUL": "\0",
            "an escape": "\x1b",
            "DEL": "\x7f",
            "a C1 control": "\x85",
            "300 characters": "x" * 300,
        }.items()
    ),
    raw(
        "a user without a name",
        b'{"spotify_user_id": ""}',
        at_fault="spotify_user_id",
        path="/api/users/register",
    ),
    raw(
        "a bad address",
        b'{"spotify_user_id": "a", "email": "a b@c"}',
        at_fault="email",
        path="/api/users/register",
    ),
    *(
        raw(
            f"timezone {zone!r:.20}",
            json.dumps({"spotify_user_id": "a", "timezone": zone}).encode(),
            at_fault="timezone",
            path="/api/users/register",
        )
        for zone in (
            "Mars/Olympus",
            "",
            "../../etc/passwd",
            "Europe/Berlin\0",
            "\ud800",
            "europe/berlin",
            1,
            "x" * 10**5,
        )
    ),
    profile("an unknown key", "timezon", {"timezon": "UTC"}),
    profile("the token as a key", "(unknown)", {SECRET * 4: 1}),
    profile("a key with a lone surrogate", "body", {"\ud800": 1}),
    profile("the user's id", "user_id", {"user_id": NOBODY}),
    profile("the role", "role", {"role": "admin"}),
    profile("nested preferences", "preferences.a", {"preferences": {"a": {"b": SECRET}}}),
    profile("a fraction as preference", "preferences.a", {"preferences": {"a": 0.5}}),
    profile("a huge number as preference", "preferences.a", {"preferences": {"a": 10**30}}),
    profile("a preference with NUL", "preferences.a", {"preferences": {"a": "\0"}}),
    profile("a preference with a lone surrogate", "preferences.a", {"preferences": {"a": "\udfff"}}),
    profile("a preference whose name has NUL", "preferences", {"preferences": {"\0": 1}}),
    profile("a preference without a name", "preferences", {"preferences": {"": 1}}),
    profile("preferences without end", "preferences", {"preferences": dict.fromkeys(map(str, range(51)), 1)}),
    profile("preferences as a list", "preferences", {"preferences": [SECRET]}),
    *(
        bad_query(f"limit {limit!r} of {path}", path, "limit", user_id=NOBODY, limit=limit)
        for path in LISTS
        for limit in (0, -1, 101, "abc", "", 10**30, "1.5")
    ),
    *(
        bad_query(f"user {user!r:.20} of {path}", path, "user_id", user_id=user)
        for path in LISTS[:2]
        for user in ("", SECRET, "00000000-0000-0000-0000-00000000000", "\0", "'; DROP TABLE users --")
    ),
    bad_query("no user", "/api/tasks", "user_id"),
    bad_query("a malformed user", "/api/users/not-an-id", "user_id"),
    bad_query("the token as user in the path", f"/api/users/{SECRET}/connections", "user_id"),
    bad_query("a malformed task", f"/api/tasks/{SECRET}", "task_id"),
    bad_query("a malformed insight", f"/api/insights/{SECRET}", "insight_id"),
    bad_query("NUL in the path", "/api/insights/%00", "insight_id"),
    bad_query("no UTF-8 in the path", "/api/insights/%ff%fe", "insight_id"),
    bad_query(
        "an unknown range",
        "/api/listening/ingest",
        "time_range",
        method="POST",
        user_id=NOBODY,
        time_range="forever",
    ),
    bad_query("an unknown range to read", LISTS[0], "time_range", user_id=NOBODY, time_range=SECRET),
    bad_query("an unknown type to read", LISTS[2], "insight_type", insight_type="horoscope"),
    bad_query(
        "an unknown type",
        "/api/insights/generate",
        "insight_type",
        method="POST",
        snapshot_id=NOBODY,
        insight_type=SECRET,
    ),
    bad_query(
        "an unknown tone",
        "/api/insights/generate",
        "tone_mode",
        method="POST",
        snapshot_id=NOBODY,
        insight_type="roast",
        tone_mode="cruel",
    ),
    bad_query("no snapshot", "/api/insights/generate", "snapshot_id", method="POST", insight_type="roast"),
    unknown("an unknown user", "GET", f"/api/users/{NOBODY}"),
    unknown("an unknown user's connections", "GET", f"/api/users/{NOBODY}/connections"),
    unknown("a change of an unknown user", "PATCH", f"/api/users/{NOBODY}", json={"display_name": SECRET}),
    unknown("tokens of an unknown user", "POST", "/api/tokens/store", json=handover()),
    unknown("ingestion for an unknown user", "POST", "/api/listening/ingest", params={"user_id": NOBODY}),
    unknown(
        "an unknown snapshot",
        "POST",
        "/api/insights/generate",
        params={"snapshot_id": NOBODY, "insight_type": "roast"},
    ),
    *(unknown(f"an unknown user at {path}", "GET", path, params={"user_id": NOBODY}) for path in LISTS),
    unknown("an unknown task", "GET", f"/api/tasks/{NOBODY}"),
    unknown("an unknown insight", "GET", f"/api/insights/{NOBODY}"),
    *(
        unknown(f"nothing at {path}", "GET", path)
        for path in (
            f"/{SECRET}",
            "/api",
            "/api/users",
            "/static/secret.txt",
            "/swagger/none",
            "/%2e%2e/etc/passwd",
        )
    ),
    *(
        foreign_content_type(content_type)
        for content_type in (
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "application/jsonp",
            "text/json",
            "nonsense",
            "",
        )
    ),
    wrong_method("GET", "/api/users/register"),
    wrong_method("GET", "/api/tokens/store"),
    wrong_method("PUT", f"/api/users/{NOBODY}"),
    wrong_method("GET", "/api/insights/generate"),
    wrong_method("DELETE", "/api/listening/snapshots"),
    wrong_method("OPTIONS", "/api/tasks"),
    wrong_method("PROPFIND", f"/api/tasks/{NOBODY}"),
    wrong_method("POST", "/health"),
    wrong_method("POST", "/"),
    wrong_method("POST", "/docs"),
    wrong_method("POST", "/swagger/swagger-ui.css"),
    Bad(
        "10 MiB",
        "POST",
        "/api/tokens/store",
        status=413,
        code="request_too_large",
        sent={"data": SECRET.encode() + b" " * 10 * A_MEBIBYTE, "headers": JSON},
    ),
]
