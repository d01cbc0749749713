"""Behind the owner filters of queries stands row-level security: either alone keeps people apart."""

import re
from collections.abc import Iterator
from typing import Any, Final

import pytest
from sqlalchemy import event, text
from structlog.testing import capture_logs

from matrix_answers import Asked, flaws_before_foreign_things, wrong_status
from matrix_world import Somebody, World, shows_any
from request_table import REQUESTS
from spotify_insights.access.principal import Principal
from spotify_insights.access.scopes import SCOPES_OF_ROLE, UserRole
from spotify_insights.database.actor import Actor
from spotify_insights.database.hot_read import HotRead
from spotify_insights.web import authorization
from spotify_insights.web.hot_reads import HotReads

# A comparison with whoever a request is about, however a statement writes it.
_FILTER: Final = re.compile(
    r"(?:\b\w+\.)?\b(?:id|user_id|owner_id|requested_by) = %\((?:\w*user\w*|owner\w*)\)s(?:::UUID)?"
)


@pytest.fixture(scope="module")
def asked(world: World) -> list[Asked]:
    return [(operation, REQUESTS[name]) for name, operation in world.operations.items()]


@pytest.fixture(scope="module")
def alice(world: World) -> Somebody:
    return world.somebody()


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """Requests that row-level security stops midway crash, and the pages of their log lines take minutes."""
    with capture_logs():
        yield


@pytest.fixture
def without_row_level_security(world: World) -> Iterator[None]:
    """The tables as if migrations had forgotten it."""
    switch = "ALTER TABLE {} {} ROW LEVEL SECURITY"
    with world.as_migration.engine.begin() as connection:
        for table in world.tables:
            connection.execute(text(switch.format(table, "DISABLE")))
    yield
    with world.as_migration.engine.begin() as connection:
        for table in world.tables:
            connection.execute(text(switch.format(table, "ENABLE")))


@pytest.fixture
def without_a_look_at_the_user_id(monkeypatch: pytest.MonkeyPatch) -> None:
    """Routes as if they did not compare the user in the address with the caller."""

    async def everybody(principal: Principal, *_: Any) -> Actor:
        return principal.actor

    monkeypatch.setattr(authorization, "acting_for", everybody)
    monkeypatch.setattr(Actor, "owns", lambda *_, **__: "true")


@pytest.fixture
def without_owner_filters(
    world: World, without_a_look_at_the_user_id: None, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Statements as if nobody had written a condition about their owner."""
    assert without_a_look_at_the_user_id is None
    rows = HotReads.rows
    engine = world.app.state.runtime.database.engine

    async def unfiltered(self: HotReads, read: HotRead, *, acting_for: Actor) -> Any:
        statement = read.statement if acting_for.user_id is None else _FILTER.sub("true", read.statement)
        return await rows(self, HotRead(statement, read.parameters), acting_for=acting_for)

    def rewrite(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> tuple[str, Any]:
        return _FILTER.sub("true", statement), parameters

    monkeypatch.setattr(HotReads, "rows", unfiltered)
    event.listen(engine, "before_cursor_execute", rewrite, retval=True)
    yield
    event.remove(engine, "before_cursor_execute", rewrite)


@pytest.mark.parametrize("role", UserRole)
@pytest.mark.usefixtures("without_row_level_security")
def test_the_filters_of_the_queries_hold_alone(
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


def test_row_level_security_holds_where_the_address_is_believed(
    world: World, asked: list[Asked], alice: Somebody, without_a_look_at_the_user_id: None
) -> None:
    assert without_a_look_at_the_user_id is None
    wrong: list[str] = []
    headers, before = world.credential(world.somebody()), world.everything_of(alice)
    for operation, request in asked:
        if operation.scope in SCOPES_OF_ROLE[UserRole.USER] and request.ids:
            answer = world.ask(operation, request, alice.ids, headers)
            # What is written for somebody else fails in the database, which no door expects.
            expected = {404} if operation.method == "GET" else {404, 500}
            wrong += wrong_status(operation, answer, expected)
            assert not shows_any(answer, alice.markers), operation.name
    assert wrong == []
    assert world.everything_of(alice) == before


def readers(asked: list[Asked]) -> list[Asked]:
    """What a listener may read by the id of something."""
    may = SCOPES_OF_ROLE[UserRole.USER]
    return [one for one in asked if one[0].method == "GET" and one[0].scope in may and one[1].ids]


@pytest.mark.usefixtures("without_owner_filters")
def test_row_level_security_holds_alone(world: World, asked: list[Asked], alice: Somebody) -> None:
    may = SCOPES_OF_ROLE[UserRole.USER]
    before = world.everything_of(alice)
    # What ends all of the caller's sessions would end their credential, too.
    asked = [one for one in asked if one[0].scope in may and (one[1].ids or not one[1].spends)]

    headers = world.credential(world.somebody())
    shown = [
        operation.name
        for operation, request in asked
        if shows_any(world.ask(operation, request, alice.ids, headers), alice.markers)
    ]

    assert shown == []
    assert world.everything_of(alice) == before


@pytest.mark.usefixtures("without_a_look_at_the_user_id", "without_row_level_security")
def test_with_both_walls_down_everything_is_seen(world: World, asked: list[Asked], alice: Somebody) -> None:
    """So the tests above look where something could be seen."""
    headers = world.credential(world.somebody())
    answers = {
        operation.name: world.ask(operation, request, alice.ids, headers).status_code
        for operation, request in readers(asked)
    }

    assert len(answers) > 5
    assert {*answers.values()} == {200}
