"""Admins: who is here and what they are. There is always one, and others see none of it."""

import threading
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from starlette.testclient import TestClient

from access_trials import (
    a_service,
    a_session,
    an_access_token,
    an_admin,
    an_api_key,
    bearer,
    cookie_header,
    give_role,
    role_of,
)
from makers import a_user
from page_trials import ADMIN, Browser, a_persons_browser, events, rows, token_of
from spotify_insights.access.scopes import UserRole
from spotify_insights.accounts.people import LastAdminError, change_role
from spotify_insights.audit.trail import AuditTrail
from spotify_insights.database.actor import AUTHENTICATION, Actor
from spotify_insights.runtime import Runtime
from spotify_insights.web.api.people import PersonDocument


def id_of(runtime: Runtime, username: str) -> UUID:
    [(user_id,)] = rows(runtime, "SELECT user_id FROM local_accounts WHERE username = :name", name=username)
    return UUID(str(user_id))


def test_the_last_admin_stays_one(site: TestClient, admin: Browser, runtime: Runtime) -> None:
    robin = id_of(runtime, "robin")
    refused = admin.post(f"/people/{robin}/role", role="user")

    assert (refused.status_code, role_of(runtime, robin)) == (409, UserRole.ADMIN)
    assert "last admin" in refused.text
    browser = cookie_header(runtime.settings, a_session(runtime, robin))
    answer = site.patch(f"/api/admin/users/{robin}", json={"role": "user"}, headers=browser)
    assert (answer.status_code, answer.json()["code"]) == (409, "last_admin")


def test_an_admin_makes_another_and_what_they_may_changes_at_once(
    site: TestClient, admin: Browser, runtime: Runtime
) -> None:
    sam = a_persons_browser(admin, site, "sam")
    assert sam.get("/people").status_code == 403
    assert admin.post(f"/people/{id_of(runtime, 'sam')}/role", role="admin").status_code == 303
    assert sam.get("/people").status_code == 200
    assert sam.post(f"/people/{id_of(runtime, 'robin')}/role", role="user").status_code == 303
    assert admin.get("/people").status_code == 403
    assert "role_changed" in events(runtime.settings.database_url.get_secret_value())


def test_of_two_admins_who_demote_each_other_at_once_one_stays(site: TestClient, runtime: Runtime) -> None:
    served: Runtime = site.app.state.runtime  # type: ignore[attr-defined]  # an application of ours
    admins = [an_admin(runtime), an_admin(runtime)]
    together, refused = threading.Barrier(2), []

    def demote(own: UUID, other: UUID) -> None:
        with served.database.transaction(acting_for=AUTHENTICATION) as tx:
            together.wait()
            try:
                change_role(tx, other, "user", trail=AuditTrail(runtime.audit, Actor.admin(own)))
            except LastAdminError as error:
                refused.append(error)

    threads = [threading.Thread(target=demote, args=pair) for pair in (admins, list(reversed(admins)))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(refused) == 1
    assert sorted(role_of(runtime, user_id) for user_id in admins) == [UserRole.ADMIN, UserRole.USER]


def test_who_cannot_sign_in_becomes_no_admin_in_place_of_the_last(
    site: TestClient, admin: Browser, runtime: Runtime
) -> None:
    robin, service = id_of(runtime, ADMIN), bearer(an_api_key(runtime, a_service(runtime)))
    person = {"spotify_user_id": "somebody"}
    registered = site.post("/api/users/register", json=person, headers=service).json()["user_id"]
    refused = admin.post(f"/people/{registered}/role", role="admin")

    assert refused.status_code == 409
    assert "no way to sign in" in refused.text
    # As it may stand in the database of an installation that once let them.
    give_role(runtime, UUID(registered), UserRole.ADMIN)
    assert admin.post(f"/people/{robin}/role", role="user").status_code == 409
    assert admin.post("/account/erase", confirmation="erase everything").status_code == 409
    assert role_of(runtime, robin) is UserRole.ADMIN


@pytest.mark.parametrize("show", [an_api_key, an_access_token])
def test_what_gives_power_over_accounts_takes_a_browser(
    site: TestClient, admin: Browser, runtime: Runtime, show: Callable[[Runtime, UUID], str]
) -> None:
    a_persons_browser(admin, site, "sam")
    robin, sam = id_of(runtime, ADMIN), id_of(runtime, "sam")
    stolen = bearer(show(runtime, robin))
    browser = cookie_header(runtime.settings, a_session(runtime, robin))
    asked: list[tuple[str, str, dict[str, Any]]] = [
        ("POST", "/api/admin/invitations", {"json": {"role": "admin"}}),
        ("PATCH", f"/api/admin/users/{sam}", {"json": {"role": "admin"}}),
        ("POST", f"/api/admin/users/{sam}/password-reset", {}),
    ]

    assert [site.request(*one[:2], headers=stolen, **one[2]).status_code for one in asked] == [403] * 3
    assert role_of(runtime, sam) is UserRole.USER
    assert [site.request(*one[:2], headers=browser, **one[2]).status_code for one in asked] == [201, 204, 201]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/admin/users"),
        ("PATCH", "/api/admin/users/{user_id}"),
        ("POST", "/api/admin/users/{user_id}/password-reset"),
        ("GET", "/api/admin/invitations"),
        ("POST", "/api/admin/invitations"),
        ("DELETE", "/api/admin/invitations/{user_id}"),
    ],
)
def test_others_see_and_change_none_of_it(site: TestClient, runtime: Runtime, method: str, path: str) -> None:
    user_id = a_user(runtime)
    body: dict[str, Any] = {"json": {"role": "admin"}} if method in {"PATCH", "POST"} else {}
    address = path.format(user_id=user_id)

    assert site.request(method, address, **body).status_code == 401
    key = bearer(an_api_key(runtime, user_id))
    assert site.request(method, address, headers=key, **body).status_code == 403
    assert role_of(runtime, user_id) is UserRole.USER


def test_invitations_and_people_by_api(site: TestClient, runtime: Runtime) -> None:
    runs_it = an_admin(runtime)
    key = bearer(an_api_key(runtime, runs_it))
    browser = cookie_header(runtime.settings, a_session(runtime, runs_it))
    made = site.post("/api/admin/invitations", json={"note": "For Sam", "days": 2}, headers=browser)
    assert made.status_code == 201
    path = made.json()["url"].removeprefix("http://127.0.0.1:8000")
    [listed] = site.get("/api/admin/invitations", headers=key).json()
    assert (listed["invitation_id"], listed["status"]) == (made.json()["link_id"], "open")
    assert token_of(path) not in str(listed)
    assert Browser(site).get(path).status_code == 200

    assert site.delete(f"/api/admin/invitations/{listed['invitation_id']}", headers=key).status_code == 204
    assert site.delete(f"/api/admin/invitations/{listed['invitation_id']}", headers=key).status_code == 404
    assert Browser(site).get(path).status_code == 410
    assert site.get("/api/admin/invitations", headers=key).json()[0]["status"] == "over"
    assert events(runtime.settings.database_url.get_secret_value()).count("invitation_withdrawn") == 1

    for _ in range(2):
        a_user(runtime)
    first = site.get("/api/admin/users?limit=2", headers=key)
    second = site.get(first.links["next"]["url"], headers=key)
    people = [PersonDocument.model_validate(person) for person in first.json() + second.json()]
    assert [person.role for person in people] == ["user", "user", "admin"]
    assert people[0].providers == ["spotify"]
