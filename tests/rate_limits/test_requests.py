"""Whoever asks too often is told so, and when to come back; everybody else goes on."""

from uuid import UUID

from starlette.testclient import TestClient

from access_trials import a_session, cookie_header
from limit_trials import everything_in_redis, service, small
from makers import a_user
from problem_documents import Answer, reasons_of
from spotify_insights.runtime import Runtime
from spotify_insights.settings import Settings


def asked(client: TestClient, settings: Settings, user_id: UUID, session: str, times: int = 1) -> list[int]:
    """The answers to one's own profile, asked for so often."""
    headers = cookie_header(settings, session)
    return [client.get(f"/api/users/{user_id}", headers=headers).status_code for _ in range(times)]


def refused(answer: Answer) -> int:
    """Assert that it is a whole refusal; the seconds that it asks to wait."""
    reasons_of(answer, 429, "too_many_requests")
    seconds = int(answer.headers["retry-after"])
    assert 1 <= seconds <= 3600
    return seconds


def test_a_session_has_so_many_requests_and_is_told_where_it_stands(
    settings: Settings, runtime: Runtime
) -> None:
    user_id = a_user(runtime)
    headers = cookie_header(settings, a_session(runtime, user_id))
    with service(small(settings, requests_per_minute=2)) as client:
        first, second, third = (client.get(f"/api/users/{user_id}", headers=headers) for _ in range(3))

    assert (first.status_code, second.status_code) == (200, 200)
    assert first.headers["ratelimit-policy"] == '"default";q=2;w=60, "person";q=8;w=60'
    assert first.headers["ratelimit"].startswith('"default";r=1;t=')
    assert second.headers["ratelimit"].startswith('"default";r=0;t=')
    seconds = refused(third)
    assert f'"default";r=0;t={seconds}' in third.headers["ratelimit"]


def test_one_users_requests_are_nobody_elses(settings: Settings, runtime: Runtime) -> None:
    one, other = a_user(runtime), a_user(runtime)
    with service(small(settings, requests_per_minute=1)) as client:
        assert asked(client, settings, one, a_session(runtime, one), 2) == [200, 429]
        assert asked(client, settings, other, a_session(runtime, other)) == [200]


def test_new_sessions_are_no_new_quota_without_end(settings: Settings, runtime: Runtime) -> None:
    user_id = a_user(runtime)
    with service(small(settings, requests_per_minute=1)) as client:
        answers = [asked(client, settings, user_id, a_session(runtime, user_id))[0] for _ in range(5)]

    assert answers == [200, 200, 200, 200, 429]


def test_two_processes_count_together_over_one_redis(settings: Settings, runtime: Runtime) -> None:
    user_id = a_user(runtime)
    session = a_session(runtime, user_id)
    given = small(settings, requests_per_minute=3)
    with service(given) as one, service(given) as other:
        answers = [asked(client, given, user_id, session)[0] for client in (one, other, one, other)]

    assert answers == [200, 200, 200, 429]


def test_redis_learns_neither_who_nor_from_where(settings: Settings, runtime: Runtime) -> None:
    user_id = a_user(runtime)
    session = a_session(runtime, user_id)
    with service(small(settings)) as client:
        client.get("/sign-in")
        client.post("/sign-in", data={"username": "robin.canary", "password": "wrong password"})
        asked(client, settings, user_id, session)
        stored = everything_in_redis(settings.redis_url.get_secret_value())

    assert stored.count("limits:") >= 4
    for secret in (str(user_id), user_id.hex, session, "203.0.113.7", "robin"):
        assert secret not in stored


def test_credentials_are_not_tried_out_without_end(settings: Settings) -> None:
    with service(small(settings, requests_per_minute=2)) as client:
        answers = [
            client.get("/api/tasks", headers={"Authorization": f"Bearer si_{number}"}) for number in range(3)
        ]
        again = client.get("/")

    assert [answer.status_code for answer in answers] == [401, 401, 429]
    refused(answers[2])
    refused(again)


def test_requests_of_nobody_count_however_broken_they_are(settings: Settings) -> None:
    json = {"Content-Type": "application/json"}
    with service(small(settings, requests_per_minute=2)) as client:
        answers = [client.post("/api/users/register", content=b"{", headers=json) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [422, 422, 429]
    refused(answers[2])


def test_where_wrong_credentials_come_from_no_other_is_looked_at(
    settings: Settings, runtime: Runtime
) -> None:
    user_id = a_user(runtime)
    right = cookie_header(settings, a_session(runtime, user_id))
    given = small(settings, requests_per_minute=1, trusted_proxies="203.0.113.7")
    with service(given) as client:
        for _ in range(2):
            client.get("/api/tasks", headers={"Authorization": "Bearer si_wrong"})
        refused(client.get(f"/api/users/{user_id}", headers=right))
        elsewhere = right | {"X-Forwarded-For": "198.51.100.1"}
        assert client.get(f"/api/users/{user_id}", headers=elsewhere).status_code == 200


def test_probes_and_files_of_pages_are_never_refused(settings: Settings) -> None:
    with service(small(settings, requests_per_minute=1)) as client:
        for path in ("/health", "/health/live", "/static/icon.svg", "/swagger/swagger-ui.css"):
            answers = [client.get(path) for _ in range(3)]
            assert [answer.status_code for answer in answers] == [200, 200, 200]
            assert not [name for answer in answers for name in answer.headers if "ratelimit" in name]


def test_a_person_is_told_by_a_page(settings: Settings) -> None:
    with service(small(settings, requests_per_minute=1)) as client:
        pages = [client.get("/sign-in", headers={"Accept": "text/html,*/*"}) for _ in range(2)]

    assert [page.status_code for page in pages] == [200, 429]
    assert pages[1].headers["content-type"].startswith("text/html")
    assert pages[1].headers["retry-after"] in pages[1].text


def test_who_is_nobody_counts_by_address(settings: Settings) -> None:
    pairs = {
        "two machines": (["198.51.100.1", "198.51.100.2"], [200, 200]),
        "one customer's network": (["2001:db8:1:2::1", "2001:db8:1:2:ffff::9"], [200, 429]),
        "two customers": (["2001:db8:1:3::1", "2001:db8:1:4::1"], [200, 200]),
        "two spellings": (["::ffff:198.51.100.3", "198.51.100.3"], [200, 429]),
    }
    with service(small(settings, requests_per_minute=1, trusted_proxies="203.0.113.7")) as client:
        for case, (addresses, statuses) in pairs.items():
            answers = [client.get("/openapi.json", headers={"X-Forwarded-For": it}) for it in addresses]
            assert [answer.status_code for answer in answers] == statuses, case


def test_without_sign_in_the_operators_own_machine_is_not_limited(settings: Settings) -> None:
    given = settings.model_copy(update={"requests_per_minute": 1, "generations_per_minute": 1})
    with service(given, address="127.0.0.1") as client:
        somebody = client.post("/api/users/register", json={"spotify_user_id": "robin"}).json()["user_id"]
        answers = [client.get(f"/api/users/{somebody}") for _ in range(3)]
        pages = [client.get("/") for _ in range(3)]
        keys = [client.get("/api/tasks", headers={"Authorization": "Bearer si_x"}) for _ in range(2)]

    assert [answer.status_code for answer in answers + pages] == [200] * 6
    assert [answer.status_code for answer in keys] == [401, 429]
