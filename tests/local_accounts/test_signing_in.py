"""Signing in by name and password: whoever guesses learns nothing, and nobody is led elsewhere."""

from urllib.parse import urljoin, urlsplit

import argon2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from access_trials import change
from page_trials import ADMIN, PASSWORD, Browser, an_admins_browser, events, installation, rows
from spotify_insights.runtime import Runtime
from spotify_insights.settings import Settings
from spotify_insights.sign_in.usernames import normalised_username
from spotify_insights.web.pages.viewer import own_path
from spotify_insights.web.session_cookie import cookie_name

SITE = "http://127.0.0.1:8000"


def session_of(browser: Browser, settings: Settings) -> str | None:
    return browser.cookies.get(cookie_name(settings))


@pytest.mark.parametrize("typed", ["robin", " Robin ", "\uff32\uff2f\uff22\uff29\uff2e"])
def test_name_and_password_let_in_however_the_name_is_typed(
    site: TestClient, admin: Browser, typed: str
) -> None:
    assert admin.cookies
    browser = Browser(site)
    answer = browser.sign_in(typed)

    assert (answer.status_code, answer.headers["location"]) == (303, "/account")
    assert browser.get("/account").status_code == 200
    assert "HttpOnly" in answer.headers["set-cookie"]
    assert "samesite=lax" in answer.headers["set-cookie"].lower()


def test_an_unknown_name_is_answered_like_a_wrong_password_after_the_same_work(
    site: TestClient, admin: Browser, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert admin.cookies
    worked: list[int] = []
    verify = argon2.PasswordHasher.verify

    def counting(self: argon2.PasswordHasher, password_hash: str, password: bytes) -> bool:
        parameters = argon2.extract_parameters(password_hash)
        worked.append(parameters.time_cost * parameters.memory_cost)
        return verify(self, password_hash, password)

    monkeypatch.setattr(argon2.PasswordHasher, "verify", counting)
    wrong = Browser(site).sign_in(ADMIN, "not the password")
    unknown = Browser(site).sign_in("riban", "not the password")

    assert (wrong.status_code, unknown.status_code) == (422, 422)
    assert wrong.text == unknown.text.replace("riban", ADMIN)
    assert len(worked) == 2
    assert worked[0] == worked[1]
    assert "not the password" not in wrong.text
    said = events(runtime.settings.database_url.get_secret_value())
    assert said[-2:] == ["sign_in_refused", "sign_in_refused"]


def test_a_session_that_was_there_before_is_no_session_afterwards(
    site: TestClient, settings: Settings
) -> None:
    attacker = an_admins_browser(site)
    planted = session_of(attacker, settings)
    assert planted is not None
    victim = Browser(site)
    victim.cookies = dict(attacker.cookies)
    victim.sign_in(ADMIN)

    assert session_of(victim, settings) not in {None, planted}
    assert victim.get("/account").status_code == 200
    assert attacker.get("/account").status_code == 303


def test_a_value_that_the_browser_made_up_never_becomes_a_session(
    site: TestClient, settings: Settings
) -> None:
    an_admins_browser(site)
    browser = Browser(site)
    browser.cookies = {cookie_name(settings): "chosen-by-somebody-else"}
    browser.sign_in(ADMIN)

    assert session_of(browser, settings) != "chosen-by-somebody-else"


def test_after_signing_in_the_wanted_page_follows(site: TestClient, admin: Browser) -> None:
    assert admin.cookies
    browser = Browser(site)
    asked = browser.get("/people")

    assert (asked.status_code, asked.headers["location"]) == (303, "/sign-in?next=/people")
    assert 'value="/people"' in browser.get(asked.headers["location"]).text
    assert browser.sign_in(ADMIN, next="/people").headers["location"] == "/people"


def test_a_form_without_a_session_is_not_done_later(site: TestClient) -> None:
    answer = Browser(site).post("/account/erase", confirmation="erase everything")

    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")


@pytest.mark.parametrize(
    "elsewhere",
    [
        "//evil.example",
        "/\\evil.example",
        "https://evil.example",
        "/\t/evil.example",
        "javascript:alert(1)",
        "\\\\e",
    ],
)
def test_nobody_is_led_elsewhere(site: TestClient, admin: Browser, elsewhere: str) -> None:
    assert admin.cookies
    assert Browser(site).sign_in(ADMIN, next=elsewhere).headers["location"] == "/account"


_BEGINNINGS = st.sampled_from(
    ["", "/", "//", "///", "/\\", "\\", "/\t/", "/\n/", "https:", "https://", "/.//", "@"]
)


@given(
    st.tuples(_BEGINNINGS, st.text("/\\.:@?#aeht\t\n\x00 é", max_size=12) | st.text(max_size=30)).map("".join)
)
def test_wherever_next_leads_it_is_here(wanted: str) -> None:
    path = own_path(wanted)
    # Browsers drop tabs and line ends, trim, and read a backslash as a slash (WHATWG URL).
    as_read = "".join(c for c in path.strip() if c not in "\t\r\n").replace("\\", "/")

    assert urlsplit(urljoin(SITE, as_read)).netloc == urlsplit(SITE).netloc
    assert path.isascii()
    assert path.isprintable()
    assert own_path(path) == path


@given(st.text(max_size=40))
def test_a_name_has_one_spelling(given_name: str) -> None:
    once = normalised_username(given_name)

    assert normalised_username(once) == once


def test_a_hash_of_former_times_is_renewed_at_the_next_sign_in(
    site: TestClient, admin: Browser, runtime: Runtime
) -> None:
    assert admin.cookies
    former = argon2.PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash(PASSWORD)
    change(runtime, "UPDATE local_accounts SET password_hash = :former", former=former)
    assert Browser(site).sign_in(ADMIN).status_code == 303

    [(now,)] = rows(runtime, "SELECT password_hash FROM local_accounts")
    assert now != former
    assert not argon2.PasswordHasher().check_needs_rehash(now)
    assert Browser(site).sign_in(ADMIN).status_code == 303


def test_whoever_is_being_erased_cannot_sign_in(site: TestClient, admin: Browser, runtime: Runtime) -> None:
    assert admin.cookies
    change(runtime, "UPDATE users SET erasing_since = clock_timestamp()")

    assert Browser(site).sign_in(ADMIN).status_code == 422


def test_too_many_attempts_on_one_account_are_refused_with_a_page(settings: Settings) -> None:
    with installation(settings, sign_ins_per_minute=2) as site:
        answers = [Browser(site).sign_in("robin", "wrong") for _ in range(3)]

    assert [answer.status_code for answer in answers] == [422, 422, 429]
    assert int(answers[-1].headers["retry-after"]) >= 1
