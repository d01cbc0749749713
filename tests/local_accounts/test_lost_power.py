"""What an admin made for others works while they are an admin."""

from collections.abc import Callable

import pytest
from starlette.testclient import TestClient

from access_trials import change
from page_trials import ADMIN, PASSWORD, Browser, a_persons_browser, an_invitation, choosing, link_of, rows
from spotify_insights.runtime import Runtime

NEW = "seven quiet elephants"


def demoted_by_another(admin: Browser, _sam: Browser, runtime: Runtime) -> None:
    [(user_id,)] = rows(runtime, "SELECT user_id FROM local_accounts WHERE username = 'sam'")
    assert admin.post(f"/people/{user_id}/role", role="user").status_code == 303


def leaving(_admin: Browser, sam: Browser, _runtime: Runtime) -> None:
    assert sam.post("/account/erase", confirmation="erase everything").status_code == 303


def changed_behind_the_program(_admin: Browser, _sam: Browser, runtime: Runtime) -> None:
    """So that only what a link asks for when it is used is in the way."""
    sams = "id = (SELECT user_id FROM local_accounts WHERE username = 'sam')"
    change(runtime, f"UPDATE users SET role = 'user' WHERE {sams}")  # noqa: S608  # a constant


@pytest.mark.parametrize("end", [demoted_by_another, leaving, changed_behind_the_program])
def test_the_open_links_of_an_admin_end_with_their_being_one(
    site: TestClient, admin: Browser, runtime: Runtime, end: Callable[[Browser, Browser, Runtime], None]
) -> None:
    sam = a_persons_browser(admin, site, "sam", role="admin")
    [(robin,)] = rows(runtime, "SELECT user_id FROM local_accounts WHERE username = :name", name=ADMIN)
    invitation = an_invitation(sam, role="admin", days="90")
    reset = link_of(sam.post(f"/people/{robin}/password-reset").text)
    of_somebody_else = an_invitation(admin)
    end(admin, sam, runtime)

    for path in (invitation, reset):
        assert Browser(site).get(path).status_code == 410
    assert Browser(site).post(invitation, **choosing("sam2")).status_code == 410
    assert Browser(site).post(reset, password=NEW, password_again=NEW).status_code == 410
    assert Browser(site).sign_in(ADMIN, PASSWORD).status_code == 303
    assert Browser(site).post(of_somebody_else, **choosing("pat")).status_code == 303


def test_for_whom_an_invitation_was_is_forgotten_when_it_is_accepted(
    site: TestClient, admin: Browser, runtime: Runtime
) -> None:
    a_persons_browser(admin, site, "sam", note="For Sam, my neighbour")
    an_invitation(admin, note="For Pat")

    assert rows(runtime, "SELECT note FROM one_time_links WHERE purpose = 'invitation' ORDER BY id") == [
        (None,),
        ("For Pat",),
    ]
