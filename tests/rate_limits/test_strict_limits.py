"""Signing in and ordering insights are limited more strictly than reading."""

from uuid import UUID, uuid4

from pydantic import SecretStr

from access_trials import a_session, cookie_header
from limit_trials import service, small
from makers import a_user
from page_trials import events
from problem_documents import reasons_of
from spotify_insights.access.scopes import UserRole
from spotify_insights.database.actor import SYSTEM
from spotify_insights.runtime import Runtime
from spotify_insights.settings import Settings
from spotify_insights.sign_in.local_accounts import create_account, new_credentials

ATTEMPTS = [
    ("POST", "/sign-in"),
    ("POST", "/setup"),
    ("POST", "/invitation"),
    ("POST", "/register"),
    ("POST", "/reset-password"),
    ("POST", "/api/auth/token"),
    ("GET", "/auth/spotify/callback"),
]


def test_attempts_to_sign_in_are_few_for_each_address(settings: Settings) -> None:
    given = small(settings, sign_ins_per_minute=2, trusted_proxies="203.0.113.7")
    with service(given) as client:
        for number, (method, path) in enumerate(ATTEMPTS):
            mine = {"X-Forwarded-For": f"198.51.100.{number}"}
            answers = [client.request(method, path, headers=mine) for _ in range(3)]

            assert 429 not in [answer.status_code for answer in answers[:2]], path
            assert '"sign-in";q=2;w=60' in answers[0].headers["ratelimit-policy"]
            assert answers[2].status_code == 429, path
            assert int(answers[2].headers["retry-after"]) >= 1
            # The pages themselves are not what is limited, nor is signing out.
            assert client.get("/sign-in", headers=mine).status_code == 200
            assert client.post("/auth/logout", headers=mine).status_code != 429


def test_every_spelling_of_a_name_counts_as_one(settings: Settings) -> None:
    spellings = [
        "straße",
        "STRASSE",
        "\N{FULLWIDTH LATIN CAPITAL LETTER S}TRasse",
        "stra\N{LATIN SMALL LETTER LONG S}se",
        "strasse\N{IDEOGRAPHIC SPACE}",
    ]
    given = small(settings, sign_ins_per_minute=4, trusted_proxies="203.0.113.7")
    with service(given) as client:
        answers = [
            client.post(
                "/sign-in",
                data={"username": name, "password": ""},
                headers={"X-Forwarded-For": f"198.51.100.{number}"},
            ).status_code
            for number, name in enumerate(spellings)
        ]

    assert answers == [422, 422, 422, 422, 429]


def test_one_account_is_not_tried_from_many_addresses(settings: Settings) -> None:
    given = small(settings, sign_ins_per_minute=2, trusted_proxies="203.0.113.7")

    def attempt(number: int, name: str) -> int:
        # A name that nobody has, and a password that is none.
        form = {"username": name, "password": ""}
        elsewhere = {"X-Forwarded-For": f"198.51.100.{number}"}
        return client.post("/sign-in", data=form, headers=elsewhere).status_code

    with service(given) as client:
        answers = [
            attempt(number, name)
            for number, name in enumerate(["Robin", "\N{FULLWIDTH LATIN SMALL LETTER R}obin ", "ROBIN"])
        ]
        other = attempt(9, "sam")

    assert answers == [422, 422, 429]
    assert other == 422


def test_a_stolen_session_is_no_way_to_try_out_passwords(settings: Settings, runtime: Runtime) -> None:
    credentials = new_credentials("robin", SecretStr("a violet teapot sings"))
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        robin = create_account(tx, credentials, role=UserRole.USER)
    session = cookie_header(settings, a_session(runtime, robin))
    given = small(settings, sign_ins_per_minute=2, trusted_proxies="203.0.113.7")

    def attempt(number: int) -> int:
        new = dict.fromkeys(["password", "password_again"], "seven quiet elephants")
        # The name in the form is not whose quota counts.
        form = {"username": f"other-{number}", "current_password": f"guess {number}", **new}
        elsewhere = {"X-Forwarded-For": f"198.51.{number}.7"}
        return client.post("/account/password", data=form, headers=session | elsewhere).status_code

    with service(given) as client:
        assert [attempt(number) for number in range(3)] == [422, 422, 429]
    assert events(settings.database_url.get_secret_value()) == ["sign_in_refused", "sign_in_refused"]


def test_tokens_are_not_tried_for_one_account_from_many_addresses(settings: Settings) -> None:
    given = small(settings, sign_ins_per_minute=1, trusted_proxies="203.0.113.7")
    wrong = {"grant_type": "password", "username": "nobody", "password": "x" * 12}
    with service(given) as client:
        answers = [
            client.post("/api/auth/token", json=wrong, headers={"X-Forwarded-For": f"198.51.100.{number}"})
            for number in range(2)
        ]

    reasons_of(answers[0], 401, "unauthenticated")
    reasons_of(answers[1], 429, "too_many_requests")


def test_insights_are_ordered_more_slowly_than_anything_is_read(settings: Settings, runtime: Runtime) -> None:
    user_id = a_user(runtime)
    sessions = [cookie_header(settings, a_session(runtime, user_id)) for _ in range(2)]

    def order(session: dict[str, str]) -> int:
        wanted = {"snapshot_id": str(uuid4()), "insight_type": "wellness"}
        return client.post("/api/insights/generate", params=wanted, headers=session).status_code

    with service(small(settings, generations_per_minute=2)) as client:
        # Another session of the same person is no way around it.
        assert [order(session) for session in (sessions[0], sessions[1], sessions[0])] == [404, 404, 429]
        assert _profile(client.get(f"/api/users/{user_id}", headers=sessions[0]).json()) == user_id


def _profile(document: dict[str, str]) -> UUID:
    return UUID(document["user_id"])
