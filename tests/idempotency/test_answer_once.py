"""One answer for one key, in the transaction of its effect, whoever races and whatever fails."""

import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import event, text

from answered_once import REQUEST, Work, age, asked, keys
from job_trials import at_once
from spotify_insights.database.actor import SYSTEM
from spotify_insights.database.database import Database, Transaction
from spotify_insights.idempotency.answer import LIFE, Answer, IdempotentRequest, answer_once
from spotify_insights.idempotency.errors import KeyInUseError, KeyReusedError
from spotify_insights.idempotency.models import IdempotencyKey


class SecondThoughtsError(Exception):
    pass


def asked_for_two_seconds(database: Database, work: Work) -> None:
    with database.transaction(acting_for=SYSTEM) as tx:
        tx.session.execute(text("SET LOCAL lock_timeout = '2s'"))
        answer_once(tx, REQUEST, work)


def statements_of(database: Database, work: Work, request: IdempotentRequest | None) -> int:
    """How many statements an answer takes beside the one that begins every transaction."""
    seen: list[str] = []

    def see(*arguments: object) -> None:
        seen.append(str(arguments[2]))

    event.listen(database.engine, "before_cursor_execute", see)
    asked(database, work, request)
    event.remove(database.engine, "before_cursor_execute", see)
    return len(seen) - 1


def test_without_a_key_every_request_is_done(database: Database) -> None:
    work = Work()

    assert [asked(database, work, None).location for _ in range(2)] == ["/notes/1", "/notes/2"]
    assert keys(database) == []


def test_a_request_that_is_sent_again_gets_its_first_answer_and_nothing_is_done(database: Database) -> None:
    work = Work()

    first = asked(database, work)
    again = [asked(database, work) for _ in range(3)]

    assert (first.status, first.location, first.replayed) == (202, "/notes/1", False)
    assert first.body == {"number": 1, "a": {"z": 1, "b": None}}
    assert again == [replace(first, replayed=True)] * 3
    assert work.done == 1


def test_the_first_answer_looks_like_the_later_ones_to_the_byte(database: Database) -> None:
    work = Work()

    assert str(asked(database, work).body) == str(asked(database, work).body)


def test_another_request_under_the_key_is_refused_and_not_done(database: Database) -> None:
    work = Work()
    first = asked(database, work)

    with pytest.raises(KeyReusedError):
        asked(database, work, replace(REQUEST, content="h-2"))

    assert work.done == 1
    assert asked(database, work) == replace(first, replayed=True)


@pytest.mark.parametrize(
    "other",
    [
        replace(REQUEST, key="k-2"),
        replace(REQUEST, caller="somebody else"),
        replace(REQUEST, route="POST /api/letters"),
    ],
)
def test_keys_of_other_callers_and_routes_have_nothing_to_do_with_it(
    database: Database, other: IdempotentRequest
) -> None:
    work = Work()

    assert {asked(database, work, request).location for request in (REQUEST, other)} == {
        "/notes/1",
        "/notes/2",
    }


def test_a_key_is_stored_with_the_effect_or_not_at_all(database: Database) -> None:
    work = Work()

    def think_again() -> None:
        with database.transaction(acting_for=SYSTEM) as tx:
            answer_once(tx, REQUEST, work)
            raise SecondThoughtsError

    with pytest.raises(SecondThoughtsError):
        think_again()

    assert keys(database) == []
    assert asked(database, work).replayed is False


@pytest.mark.parametrize("status", [404, 409, 422, 500])
def test_refusals_are_not_kept(database: Database, status: int) -> None:
    work = Work(status=status)

    assert asked(database, work).status == status
    work.status = 202
    assert (asked(database, work).status, work.done) == (202, 2)


def test_while_the_first_is_being_answered_the_second_is_told_so_without_waiting(database: Database) -> None:
    work = Work()
    with database.transaction(acting_for=SYSTEM) as tx:
        first = answer_once(tx, REQUEST, work)
        # Nobody but this thread ends the transaction that is open here: to wait for it would be for ever.
        with pytest.raises(KeyInUseError):
            asked_for_two_seconds(database, work)

    assert work.done == 1
    assert asked(database, work) == replace(first, replayed=True)


def test_requests_with_other_keys_go_on_meanwhile(database: Database) -> None:
    work = Work()
    with database.transaction(acting_for=SYSTEM) as tx:
        answer_once(tx, REQUEST, work)
        assert asked(database, work, replace(REQUEST, key="k-2")).status == 202
        assert asked(database, work, replace(REQUEST, route="POST /api/letters")).status == 202


def test_any_number_of_repeated_requests_at_once_get_the_answer(database: Database) -> None:
    work = Work()
    first = asked(database, work)
    wide = Database(database.url, pool_size=8)

    def ask_again(barrier: threading.Barrier) -> Answer:
        with wide.transaction(acting_for=SYSTEM) as tx:
            barrier.wait()
            answer = answer_once(tx, REQUEST, work)
            # All of them are in their transaction: none may be told that the key is in use.
            barrier.wait()
            return answer

    answers = at_once(8, ask_again)
    wide.close()

    assert answers == [replace(first, replayed=True)] * 8


def test_an_answer_that_was_stored_between_look_and_lock_undoes_the_second_work(database: Database) -> None:
    """The one moment that the lock does not cover, made certain: another one commits during our work."""
    work = Work()

    def second() -> None:
        with database.transaction(acting_for=SYSTEM) as tx:
            answer_once(tx, REQUEST, lambda: overtaken(tx))

    def overtaken(tx: Transaction) -> Answer:
        tx.session.execute(text("CREATE TEMPORARY TABLE undone ()"))
        with database.transaction(acting_for=SYSTEM) as other:
            # The row as the first one left it; by now it has given its lock back.
            other.session.add(
                IdempotencyKey(
                    scope=REQUEST.scope,
                    key=REQUEST.key,
                    request_hash="h-1",
                    status=202,
                    location="/notes/first",
                    body={},
                )
            )
        return work()

    with pytest.raises(KeyInUseError):
        second()

    assert asked(database, work).location == "/notes/first"
    with database.transaction(acting_for=SYSTEM) as tx:
        assert tx.session.scalar(text("SELECT to_regclass('undone')")) is None


def test_of_many_first_requests_at_once_one_is_done(database: Database) -> None:
    wide = Database(database.url, pool_size=24)
    for number in range(10):
        request, work = replace(REQUEST, key=f"k-{number}"), Work()

        def ask(
            barrier: threading.Barrier, request: IdempotentRequest = request, work: Work = work
        ) -> Answer | None:
            barrier.wait()
            try:
                return asked(wide, work, request)
            except KeyInUseError:
                return None

        answers = [answer for answer in at_once(24, ask) if answer is not None]

        assert len([answer for answer in answers if not answer.replayed]) == 1
        assert len({answer.location for answer in answers}) == 1
    wide.close()


def test_a_key_is_free_again_after_a_day_and_not_before(database: Database) -> None:
    work = Work()
    first = asked(database, work)
    age(database, "k-1", LIFE - timedelta(minutes=1))
    assert asked(database, work).location == first.location

    age(database, "k-1", timedelta(minutes=1))
    other = replace(REQUEST, content="h-2")
    fresh = asked(database, work, other)

    assert (fresh.location, fresh.replayed) == ("/notes/2", False)
    assert asked(database, work, other) == replace(fresh, replayed=True)
    with pytest.raises(KeyReusedError):
        asked(database, work)


def test_a_key_costs_two_statements_a_repeated_one_costs_one_and_none_costs_nothing(
    database: Database,
) -> None:
    work = Work()
    asked(database, work, replace(REQUEST, key="warm up"))

    assert statements_of(database, work, None) == 0
    assert statements_of(database, work, REQUEST) == 2
    assert statements_of(database, work, REQUEST) == 1
