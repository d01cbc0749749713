"""A sign-in that does not come about: each time a page that says what to do, and nobody is signed in."""

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from pydantic import SecretStr
from sqlalchemy import text
from starlette.testclient import TestClient

from sign_in_journeys import LOGIN, Visitor, answered_at_spotify, events, rows
from spotify_insights.accounts.call_budget import Purpose
from spotify_insights.database.actor import SYSTEM
from spotify_insights.pretend_spotify.faults import (
    CannedAnswer,
    Fault,
    InvalidJson,
    OwnerNotPremium,
    QuotaExceeded,
    RateLimited,
    ServerFailure,
    UserNotAllowlisted,
)
from spotify_insights.pretend_spotify.running import RunningPretendSpotify
from spotify_insights.runtime import Runtime

TOKEN, ME = "/api/token", "/v1/me"
REDIRECT_URI = "http://127.0.0.1:8000/auth/spotify/callback"


def refused(error: str, description: str = "") -> CannedAnswer:
    body = f'{{"error": "{error}", "error_description": "{description}"}}'
    return CannedAnswer(path=TOKEN, status=400, body=body)


@pytest.mark.parametrize(
    ("fault", "status", "says"),
    [
        (refused("invalid_grant", "Authorization code expired"), 400, "no longer accepts this"),
        (refused("invalid_client", "Invalid client secret"), 502, REDIRECT_URI),
        (refused("invalid_grant", "Invalid redirect URI"), 502, REDIRECT_URI),
        (UserNotAllowlisted(path=ME), 403, "e-mail address of your Spotify account"),
        (OwnerNotPremium(path=ME), 503, "The operator renews their Premium subscription"),
        (RateLimited(path=ME, retry_after=130), 503, "in about 3 minutes"),
        (QuotaExceeded(path=TOKEN, retry_after=52_531), 503, "in about 15 hours"),
        (ServerFailure(path=TOKEN), 503, "in a few minutes"),
        (ServerFailure(path=ME), 503, "in a few minutes"),
        (InvalidJson(path=ME), 503, "in a few minutes"),
    ],
)
def test_what_spotify_refuses_is_a_page_that_says_what_to_do(
    visitor: Visitor,
    runtime: Runtime,
    pretend_spotify: RunningPretendSpotify,
    fault: Fault,
    status: int,
    says: str,
) -> None:
    callback = answered_at_spotify(visitor.leave())
    pretend_spotify.control.queue(fault)
    page = visitor.problem_after(callback)
    assert page.status_code == status
    assert says in page.text.replace("<wbr>", "")
    assert "code=" not in str(page.url)
    assert (status == 503) == ("retry-after" in page.headers)
    assert visitor.session is None
    for table in ("users", "user_identities", "spotify_tokens", "sessions", "background_jobs"):
        assert rows(runtime.database, table) == []
    [(event, details)] = events(runtime.database)
    assert event == "sign_in_refused"
    assert isinstance(details, dict)
    assert details["method"] == "spotify"


def test_who_declines_may_try_again(visitor: Visitor, runtime: Runtime) -> None:
    page = visitor.problem_after(answered_at_spotify(visitor.leave(), decision="cancel"))
    assert page.status_code == 400
    assert "You did not agree" in page.text
    assert LOGIN in page.text
    assert rows(runtime.database, "users") == []
    assert visitor.sign_in().headers["location"] == "/account?connected=spotify"


def test_an_address_that_was_opened_once_signs_nobody_in_again(visitor: Visitor, runtime: Runtime) -> None:
    callback = answered_at_spotify(visitor.leave())
    kept = dict(visitor.cookies)
    assert visitor.come_back(callback).headers["location"] == "/account?connected=spotify"
    # Not even in the browser that it was made for, should that have kept its cookie.
    visitor.cookies |= {name: value for name, value in kept.items() if name == "si_sign_in"}
    page = visitor.problem_after(callback)
    assert (page.status_code, "was used already" in page.text) == (400, True)
    assert len(rows(runtime.database, "sessions")) == 1
    assert visitor.get("/account").status_code == 200, "whoever is signed in stays so"


def test_a_state_from_another_browser_is_refused_and_stays_good_in_its_own(
    visitor: Visitor, runtime: Runtime, client: TestClient
) -> None:
    callback = answered_at_spotify(visitor.leave())
    for victim in (Visitor(client), Visitor(client, {"si_sign_in": "A" * 43})):
        page = victim.problem_after(callback)
        assert (page.status_code, "began in another browser" in page.text) == (400, True)
        assert victim.session is None
    assert rows(runtime.database, "sessions") == []
    assert visitor.come_back(callback).headers["location"] == "/account?connected=spotify"


def test_a_state_that_nobody_gave_out_is_refused(visitor: Visitor) -> None:
    for query in ("", "code=x", "state=", "state=unknown&code=x", "state=" + "a" * 5000, "state=%00"):
        page = visitor.problem_after(f"{REDIRECT_URI}?{query}")
        assert (page.status_code, "This did not begin here" in page.text) == (400, True), query


def test_a_state_without_a_code_is_used_up(visitor: Visitor) -> None:
    state = parse_qs(urlsplit(visitor.leave()).query)["state"][0]
    bare = f"{REDIRECT_URI}?state={state}"
    assert "did not begin here" in visitor.problem_after(bare).text
    assert "was used already" in visitor.problem_after(bare).text


def test_a_state_ends_after_ten_minutes(visitor: Visitor, runtime: Runtime) -> None:
    callback = answered_at_spotify(visitor.leave())
    [attempt] = rows(runtime.database, "sign_in_attempts", "expires_at - created_at AS lasts")
    assert attempt["lasts"] == pytest.approx(timedelta(minutes=10), abs=timedelta(seconds=1))
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        tx.session.execute(text("UPDATE sign_in_attempts SET expires_at = clock_timestamp()"))
    page = visitor.problem_after(callback)
    assert (page.status_code, "took too long" in page.text) == (400, True)


def test_the_verifier_belongs_to_its_own_attempt(
    visitor: Visitor, runtime: Runtime, pretend_spotify: RunningPretendSpotify
) -> None:
    """A code that somebody else obtained, put into one's own sign-in (RFC 9700, section 4.5)."""
    stolen = parse_qs(urlsplit(answered_at_spotify(Visitor(visitor.client).leave())).query)["code"][0]
    own = answered_at_spotify(visitor.leave())
    mixed = own.replace(parse_qs(urlsplit(own).query)["code"][0], stolen)
    page = visitor.problem_after(mixed)
    assert (page.status_code, "no longer accepts" in page.text) == (400, True)
    assert rows(runtime.database, "users") == []
    assert pretend_spotify.control.counters().by_status.get(400) == 1


def test_a_spent_budget_is_a_page_and_no_call(
    visitor: Visitor, runtime: Runtime, pretend_spotify: RunningPretendSpotify
) -> None:
    callback = answered_at_spotify(visitor.leave())
    budget = runtime.spotify.budget
    budget.reserve(runtime.settings.spotify_calls_per_day, purpose=Purpose.ASKED_FOR)
    page = visitor.problem_after(callback)
    assert (page.status_code, "daily budget" in page.text) == (503, True)
    assert "POST /api/token authorization_code" not in pretend_spotify.control.counters().by_route


def test_who_is_signed_in_connects_their_own_account_and_nobody_elses(
    visitor: Visitor, runtime: Runtime, client: TestClient
) -> None:
    visitor.sign_in("omnivore")
    other = Visitor(client)
    other.sign_in("night-owl")
    page = other.problem_after(answered_at_spotify(other.leave(), persona="omnivore"))
    assert (page.status_code, "belongs to somebody else here" in page.text) == (403, True)
    page = visitor.problem_after(answered_at_spotify(visitor.leave(), persona="early-commuter"))
    assert (page.status_code, "connected with another account" in page.text) == (403, True)
    assert len(rows(runtime.database, "user_identities")) == 2


def test_who_signed_out_meanwhile_is_not_signed_in_again(visitor: Visitor) -> None:
    visitor.sign_in()
    callback = answered_at_spotify(visitor.leave())
    answer = visitor.post("/auth/logout", {})
    assert answer.status_code == 303, answer.text
    page = visitor.problem_after(callback)
    assert (page.status_code, "You are not who began this" in page.text) == (400, True)
    assert visitor.session is None


def test_who_is_leaving_is_not_let_in(visitor: Visitor, runtime: Runtime) -> None:
    visitor.sign_in()
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        tx.session.execute(text("UPDATE users SET erasing_since = clock_timestamp()"))
    again = Visitor(visitor.client)
    page = again.problem_after(answered_at_spotify(again.leave()))
    assert (page.status_code, "is being erased" in page.text) == (403, True)
    assert again.session is None


def test_whatever_spotify_sends_back_as_an_error_is_a_page(visitor: Visitor) -> None:
    for error, status in (("server_error", 503), ("invalid_scope", 502), ("<script>alert(1)</script>", 502)):
        state = parse_qs(urlsplit(visitor.leave()).query)["state"][0]
        page = visitor.problem_after(f"{REDIRECT_URI}?state={state}&error={error}")
        assert (page.status_code, error in page.text) == (status, False), error


def test_unknown_services_and_reasons_are_not_there(visitor: Visitor) -> None:
    for path in ("/auth/myspace/login", "/auth/myspace/callback", "/auth/spotify/problem?reason=x"):
        assert visitor.get(path).status_code == 404, path
    assert visitor.get("/auth/spotify/problem?reason=slow_down&wait=99999999").status_code == 422


def test_nobody_new_comes_in_uninvited(by_invitation: TestClient, runtime: Runtime) -> None:
    stranger = Visitor(by_invitation)
    page = stranger.problem_after(answered_at_spotify(stranger.leave()))
    assert (page.status_code, "You need an invitation" in page.text) == (403, True)
    assert rows(runtime.database, "users") == []


def test_an_invitation_lets_in_one_new_person_and_is_used_up(
    by_invitation: TestClient, runtime: Runtime
) -> None:
    token = invitation(runtime)
    guest, second = Visitor(by_invitation), Visitor(by_invitation)
    path = f"{LOGIN}?invitation={token.get_secret_value()}"
    assert guest.sign_in("omnivore", path).headers["location"] == "/account?connected=spotify"
    page = second.problem_after(answered_at_spotify(second.leave(path), persona="night-owl"))
    assert (page.status_code, "This invitation is over" in page.text) == (403, True)
    back = Visitor(by_invitation)
    assert back.sign_in("omnivore").headers["location"] == "/account?connected=spotify", (
        "who is known needs none"
    )


def invitation(runtime: Runtime) -> SecretStr:
    from spotify_insights.access.one_time_links import LinkPurpose, create_link  # noqa: PLC0415

    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        return create_link(tx, LinkPurpose.INVITATION, lasts=timedelta(days=1)).token
