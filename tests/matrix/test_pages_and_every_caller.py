"""Pages stand in no OpenAPI document; so every route beside the API is listed here, or asks for a sign-in."""

from collections.abc import Mapping
from typing import Final

import pytest
from fastapi.routing import APIRoute, iter_route_contexts

from access_trials import bearer
from matrix_world import EXPIRED, REVOKED, Headers, Kind, Somebody, World, missing_ids, shows_any
from request_table import Id
from spotify_insights.access.scopes import UserRole

# Why each of these shows itself to everybody.
FOR_EVERYBODY: Final[Mapping[str, str]] = {
    "GET /": "the start page, which offers the sign-in",
    "GET /docs": "describes the API, which is no secret",
    "GET /static/{name}": "our own style sheets and scripts",
    "GET /sign-in": "where one signs in",
    "POST /sign-in": "signing in",
    "POST /auth/logout": "ends whatever session there is",
    "GET /setup": "asks for the one-time link of the first admin",
    "POST /setup": "likewise",
    "GET /invitation": "asks for the one-time link of an invitation",
    "POST /invitation": "likewise",
    "GET /register": "joining, where the installation lets everybody join",
    "POST /register": "likewise",
    "GET /reset-password": "asks for the one-time link of a new password",
    "POST /reset-password": "likewise",
    "GET /exports/{token}": "asks for the one-time link of a download",
    "GET /auth/{provider}/login": "leads to the provider's sign-in",
    "GET /auth/{provider}/callback": "where the provider sends people back to",
    "GET /auth/{provider}/problem": "says what went wrong there",
    "GET /auth/listenbrainz": "asks for the token that proves who somebody is",
    "POST /auth/listenbrainz": "likewise",
}

# What stands in an address: whose id it is, or a value.
PARAMETERS: Final[Mapping[str, Id | str]] = {
    "key_id": Id.KEY,
    "session_id": Id.SESSION,
    "export_id": Id.EXPORT,
    "import_id": Id.IMPORT,
    "invitation_id": Id.INVITATION,
    "person": Id.USER,
    "user_id": Id.USER,
    "provider": "spotify",
}
OF_ADMINS: Final = " /people"


def pages(world: World) -> dict[str, APIRoute]:
    """Every route beside the documented API, such as `GET /account`."""
    return {
        f"{method} {route.path}": route.original_route
        for route in iter_route_contexts(world.app.routes)
        if isinstance(route.original_route, APIRoute) and not route.original_route.include_in_schema
        for method in route.methods or ()
    }


@pytest.fixture(scope="module")
def asking(world: World) -> list[str]:
    """The pages for people who signed in."""
    return sorted(pages(world).keys() - FOR_EVERYBODY.keys())


@pytest.fixture(scope="module")
def alice(world: World) -> Somebody:
    return world.somebody()


def sent(world: World, page: str, ids: Mapping[Id, str], headers: Headers) -> tuple[int, str, set[str]]:
    """Status and Location of the answer, and which of these ids it shows."""
    method, _, path = page.partition(" ")
    values = {name: ids[value] if isinstance(value, Id) else value for name, value in PARAMETERS.items()}
    form = {"data": {"nothing": "of use"}} if method == "POST" else {}
    answer = world.api.request(
        method, path.format_map(values), headers={"Sec-Fetch-Site": "same-origin", **headers}, **form
    )
    return answer.status_code, answer.headers.get("location", ""), shows_any(answer, frozenset(ids.values()))


def test_every_page_for_everybody_is_still_there(world: World) -> None:
    assert FOR_EVERYBODY.keys() <= pages(world).keys()


def test_every_other_page_sends_strangers_to_the_sign_in(
    world: World, asking: list[str], alice: Somebody
) -> None:
    strangers: list[Headers] = [
        {},
        world.credential(alice, Kind.SESSION, spoilt=EXPIRED),
        world.credential(alice, Kind.SESSION, spoilt=REVOKED),
        # What programs show opens no page.
        world.credential(alice, Kind.API_KEY),
        bearer("nonsense"),
    ]
    before = world.everything_of(alice)
    for page in asking:
        for headers in strangers:
            status, location, _ = sent(world, page, alice.ids, headers)
            assert (status, location.partition("?")[0]) == (303, "/sign-in"), (page, headers)
    assert len(asking) > 10
    assert world.everything_of(alice) == before


def test_pages_of_admins_are_for_nobody_else(world: World, asking: list[str], alice: Somebody) -> None:
    of_admins = [page for page in asking if OF_ADMINS in page]
    before = world.everything_of(alice)
    for role in (UserRole.USER, UserRole.SERVICE):
        headers = world.credential(world.somebody(role), Kind.SESSION)
        for page in of_admins:
            assert sent(world, page, alice.ids, headers)[0] == 403, page
    assert of_admins
    assert world.everything_of(alice) == before


def test_things_of_others_are_as_good_as_missing(world: World, asking: list[str], alice: Somebody) -> None:
    before = world.everything_of(alice)
    tried = 0
    for role in UserRole:
        headers = world.credential(world.somebody(role), Kind.SESSION)
        for page in asking:
            if "_id}" in page and OF_ADMINS not in page:
                tried += 1
                foreign, missing = (sent(world, page, ids, headers) for ids in (alice.ids, missing_ids()))
                assert foreign == missing, page
                assert foreign[2] == set(), page
    assert tried > 3
    assert world.everything_of(alice) == before
