"""Every operation of the OpenAPI document, asked by everybody who may come: who gets what, who nothing.

What is expected follows from the scope that an operation declares and from whose ids a request names. Nothing
here lists operations: how to send each one stands in `request_table.py`.
"""

from collections.abc import Callable, Mapping

import httpx2
import pytest

from access_trials import bearer, cookie_header, give_role
from matrix_answers import OPERATORS, Asked, flaws_before_foreign_things, wrong_status
from matrix_world import EXPIRED, REVOKED, Headers, Kind, Somebody, World, missing_ids, shows_any
from operations import Operation
from request_table import PUBLIC, REQUESTS, Request
from spotify_insights.access.scopes import SCOPES_OF_ROLE, Scope, UserRole


@pytest.fixture(scope="module")
def asked(world: World) -> list[Asked]:
    """Each operation and how it is sent; that none is missing another test shows."""
    return [(operation, REQUESTS[name]) for name, operation in world.operations.items() if name in REQUESTS]


@pytest.fixture(scope="module")
def alice(world: World) -> Somebody:
    """Whose things everybody else tries to get at."""
    return world.somebody()


@pytest.fixture(scope="module")
def bob(world: World) -> Somebody:
    return world.somebody()


@pytest.fixture(scope="module")
def admin(world: World) -> Somebody:
    return world.somebody(UserRole.ADMIN)


@pytest.fixture(scope="module")
def service(world: World) -> Somebody:
    return world.somebody(UserRole.SERVICE)


@pytest.fixture(scope="module")
def served(world: World, service: Somebody) -> Somebody:
    """Somebody whom the service registered."""
    return world.somebody(registered_by=service)


def successes(operation: Operation) -> set[int] | frozenset[int]:
    public = PUBLIC.get(operation.name)
    return operation.successes if public is None else {public.status}


def garbage(world: World) -> list[Headers]:
    """What is no credential, or none of this installation's."""
    return [
        bearer("nonsense"),
        bearer("si_A1b2C3d4E5f6_0000000000000000000000000000000000000000000000000"),
        bearer("eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0."),
        {"Authorization": "Basic YWxpY2U6c2VjcmV0"},
        {"Authorization": "Bearer"},
        cookie_header(world.settings, "nonsense"),
    ]


def spoilt(how: str) -> Callable[[World, Somebody], list[Headers]]:
    return lambda world, whose: [world.credential(whose, kind, spoilt=how) for kind in Kind]


NOBODY: Mapping[str, Callable[[World, Somebody], list[Headers]]] = {
    "anonymous": lambda _world, _whose: [{}],
    "garbage": lambda world, _whose: garbage(world),
    "expired": spoilt(EXPIRED),
    "revoked": spoilt(REVOKED),
}


@pytest.mark.parametrize("who", NOBODY)
def test_without_a_credential_that_counts_there_is_a_401(world: World, asked: list[Asked], who: str) -> None:
    wrong: list[str] = []
    # Between them they may do everything, so that it is the credential alone which is refused.
    owners = [world.somebody(UserRole.ADMIN), world.somebody(UserRole.SERVICE)]
    shown = {owner.role: NOBODY[who](world, owner) for owner in owners}
    before = [world.everything_of(owner) for owner in owners]
    for operation, request in asked:
        whose = owners[operation.scope is Scope.ACT_FOR_USERS]
        expected = successes(operation) if operation.name in PUBLIC else {401}
        for headers in shown[whose.role]:
            answer = world.ask(operation, request, whose.ids, headers)
            wrong += wrong_status(operation, answer, expected)
            assert not shows_any(answer, whose.markers), operation.name
    assert wrong == []
    assert [world.everything_of(owner) for owner in owners] == before


def test_nobody_learns_without_a_credential_what_a_request_has_to_look_like(
    world: World, asked: list[Asked]
) -> None:
    wrong: list[str] = []
    for operation, request in asked:
        if operation.name not in PUBLIC:
            nonsense = Request(
                path=dict.fromkeys(request.path, "nonsense"),
                body=None if request.has_file else {"nonsense": True},
                has_file=request.has_file,
            )
            sent = nonsense if operation.has_body else Request(path=nonsense.path)
            wrong += wrong_status(operation, world.ask(operation, sent, {}, {}), {401})
            if operation.method == "GET":
                wrong += wrong_status(
                    operation, world.ask(operation, request, missing_ids(), {}, method="HEAD"), {401}
                )
    assert wrong == []


def test_a_credential_without_the_scope_gets_a_403(
    world: World, asked: list[Asked], alice: Somebody, admin: Somebody, service: Somebody
) -> None:
    wrong: list[str] = []
    owners = {UserRole.USER: alice, UserRole.ADMIN: admin, UserRole.SERVICE: service}
    lacking = {
        scope: [
            world.credential(owner, scopes=SCOPES_OF_ROLE[role] - {scope}) for role, owner in owners.items()
        ]
        for scope in Scope
    }
    before = world.everything_of(alice)
    for operation, request in asked:
        for headers in lacking[operation.scope] if operation.scope else []:
            answer = world.ask(operation, request, alice.ids, headers)
            wrong += wrong_status(operation, answer, {403})
            assert not shows_any(answer, alice.markers), operation.name
    assert wrong == []
    assert world.everything_of(alice) == before


@pytest.mark.parametrize("former", [UserRole.ADMIN, UserRole.SERVICE])
@pytest.mark.parametrize("kind", Kind)
def test_who_has_lost_a_role_has_lost_its_scopes(
    world: World, asked: list[Asked], former: UserRole, kind: Kind
) -> None:
    wrong: list[str] = []
    somebody = world.somebody(former)
    headers = world.credential(somebody, kind)
    give_role(world.runtime, somebody.user_id, UserRole.USER)
    for operation, request in asked:
        if operation.scope is not None and operation.scope not in SCOPES_OF_ROLE[UserRole.USER]:
            wrong += wrong_status(operation, world.ask(operation, request, somebody.ids, headers), {403})
    assert wrong == []


class Allowed:
    """Who may ask, and about whom: themselves, somebody whom they registered, or anybody.

    What a request spends is somebody's new, so that the next one finds all that it names.
    """

    def __init__(self, world: World, role: UserRole, kind: Kind) -> None:
        self._world, self._role, self._kind = world, role, kind
        self._caller = world.somebody(role)
        self._headers = world.credential(self._caller, kind)
        self._lasting: dict[str, Somebody] = {}

    def ask(self, operation: Operation, request: Request) -> httpx2.Response:
        relation = "own"
        if operation.scope in OPERATORS:
            relation = "anybody"
        elif self._role is UserRole.SERVICE and not request.own_alone:
            relation = "registered"
        subject = None if request.spends else self._lasting.get(relation)
        if subject is None:
            self._lasting[relation] = subject = self._new(relation)
        headers = self._headers
        if relation == "own":
            headers = self._world.credential(subject, self._kind)
        return self._world.ask(operation, request, subject.ids, headers)

    def _new(self, relation: str) -> Somebody:
        if relation == "registered":
            return self._world.somebody(registered_by=self._caller)
        return self._world.somebody(self._role if relation == "own" else UserRole.USER)


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("role", UserRole)
def test_whoever_may_ask_gets_an_answer(world: World, asked: list[Asked], role: UserRole, kind: Kind) -> None:
    wrong: list[str] = []
    allowed = Allowed(world, role, kind)
    # One kind of credential is enough for what needs somebody new each time.
    for operation, request in sorted(asked, key=lambda one: one[1].spends):
        if operation.scope in SCOPES_OF_ROLE[role] and (kind is Kind.API_KEY or not request.spends):
            absent = request.in_person and kind is not Kind.SESSION
            expected = {403} if absent else operation.successes
            wrong += wrong_status(operation, allowed.ask(operation, request), expected)
    assert wrong == []


@pytest.mark.parametrize("role", UserRole)
def test_what_an_operation_of_another_role_is_about_makes_no_difference(
    world: World, asked: list[Asked], role: UserRole
) -> None:
    wrong: list[str] = []
    caller, other = world.somebody(role), world.somebody()
    headers = world.credential(caller)
    for operation, request in asked:
        if operation.scope is not None and operation.scope not in SCOPES_OF_ROLE[role]:
            for ids in (caller.ids, other.ids, missing_ids()):
                wrong += wrong_status(operation, world.ask(operation, request, ids, headers), {403})
    assert wrong == []


@pytest.mark.parametrize("role", UserRole)
def test_what_belongs_to_others_looks_like_what_does_not_exist(
    world: World, asked: list[Asked], alice: Somebody, role: UserRole
) -> None:
    caller = world.somebody(role)
    own = world.somebody(registered_by=caller) if role is UserRole.SERVICE else caller
    hers = world.credential(alice)
    before = world.everything_of(alice)

    flaws = flaws_before_foreign_things(
        world, asked, caller=caller, own=own, foreign=alice, foreign_credential=hers
    )

    assert flaws == []
    assert world.everything_of(alice) == before


@pytest.mark.parametrize("role", [UserRole.USER, UserRole.ADMIN, UserRole.SERVICE])
def test_what_names_nobody_is_about_the_caller(
    world: World, asked: list[Asked], alice: Somebody, role: UserRole
) -> None:
    headers = world.credential(world.somebody(role))
    for operation, request in asked:
        if operation.scope not in OPERATORS and operation.scope is not None and not request.ids:
            answer = world.ask(operation, request, {}, headers)
            assert not shows_any(answer, alice.markers), operation.name


def test_an_admin_sees_nothing_of_what_somebody_listens_to(
    world: World, asked: list[Asked], alice: Somebody, admin: Somebody
) -> None:
    headers = world.credential(admin)
    for operation, request in asked:
        if operation.method == "GET":
            for ids in (alice.ids, admin.ids):
                answer = world.ask(operation, request, ids, headers)
                assert not shows_any(answer, alice.listening), operation.name


def test_a_service_that_may_not_act_for_users_is_nobody_to_them(
    world: World, asked: list[Asked], service: Somebody, served: Somebody
) -> None:
    wrong: list[str] = []
    before = world.everything_of(served)
    scopes = SCOPES_OF_ROLE[UserRole.SERVICE] - {Scope.ACT_FOR_USERS}
    for kind in (Kind.API_KEY, Kind.ACCESS_TOKEN):
        headers = world.credential(service, kind, scopes=scopes)
        for operation, request in asked:
            if operation.scope is Scope.ACT_FOR_USERS:
                wrong += wrong_status(operation, world.ask(operation, request, served.ids, headers), {403})
            elif operation.scope in scopes - OPERATORS and request.ids:
                wrong += wrong_status(operation, world.ask(operation, request, served.ids, headers), {404})
    assert wrong == []
    assert world.everything_of(served) == before


def test_the_key_of_a_request_gives_nobody_the_answer_that_somebody_else_got(
    world: World, asked: list[Asked], bob: Somebody
) -> None:
    wrong: list[str] = []
    tried = 0
    his = world.credential(bob)
    for operation, request in asked:
        if operation.takes_a_key and request.ids and operation.scope in SCOPES_OF_ROLE[UserRole.USER]:
            tried += 1
            owner, key = world.somebody(), {"Idempotency-Key": f"shared-{tried}"}
            hers = world.credential(owner)
            wrong += wrong_status(
                operation, world.ask(operation, request, owner.ids, {**hers, **key}), operation.successes
            )
            answer = world.ask(operation, request, owner.ids, {**his, **key})
            wrong += wrong_status(operation, answer, {404})
            assert not shows_any(answer, owner.markers), operation.name
    assert tried > 1
    assert wrong == []
