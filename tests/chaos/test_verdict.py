"""The account at the end of a chaos run: it sees each broken promise, and none where all were kept."""

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from chaos.jobs import SlotWork, SpotifyWork, Trouble
from chaos.ledger import Ledger
from chaos.processes.begin import SCHEDULES
from chaos.records import Records, Row, Slot
from chaos.verdict import Finding, judge
from spotify_insights.jobs.job import JobStatus

BEGAN = datetime(2026, 11, 22, 12, 0, 30, tzinfo=UTC)
ENDED = BEGAN + timedelta(minutes=1)
MINUTE = datetime(2026, 11, 22, 12, 1, tzinfo=UTC)


def a_row(at: float = 0.0, *, seconds: float = 2.0, **changes: Any) -> Row:
    """A job that was asked for `at` seconds into the run and ended well, so many seconds later."""
    queued = BEGAN + timedelta(seconds=at)
    work = SpotifyWork(name=str(changes.pop("name", uuid4())), **changes.pop("work", {}))
    row = Row(
        id=uuid4(),
        task_name=work.task_name,
        parent_id=None,
        arguments=work.arguments,
        status=JobStatus.SUCCEEDED,
        attempts=1,
        snoozes=0,
        cancel_requested=False,
        error_code=None,
        queued_at=queued,
        finished_at=queued + timedelta(seconds=seconds),
        cancelled_at=None,
        effects=1,
        publishes=1,
        starts=[queued + timedelta(seconds=0.1)],
    )
    return replace(row, **changes)


def a_slot_job(schedule: str) -> Row:
    work = SlotWork(name=schedule)
    return a_row(31, task_name=work.task_name, arguments=work.arguments)


def findings(
    *rows: Row,
    ledger: Ledger | None = None,
    accepted: list[UUID] | None = None,
    breaches: dict[str, int] | None = None,
    slots: list[Slot] | None = None,
    slot_jobs: list[Row] | None = None,
) -> set[Finding]:
    """What the verdict says about these jobs, in a run whose schedule fired as it should."""
    ledger = ledger or Ledger()
    for job_id in [row.id for row in rows] if accepted is None else accepted:
        ledger.accept(job_id, asked_at=0.0)
    fired = [a_slot_job(name) for name in SCHEDULES] if slot_jobs is None else slot_jobs
    if slots is None:
        slots = [Slot(str(job.arguments["name"]), MINUTE, job.id) for job in fired]
    records = Records([*rows, *fired], slots, breaches or {})
    return set(judge(records, ledger, began=BEGAN, ended=ENDED).findings)


def test_kept_promises_are_no_finding() -> None:
    assert not findings(
        a_row(),
        a_row(work={"trouble": Trouble.REFUSED}, status=JobStatus.FAILED, effects=0),
        a_row(work={"trouble": Trouble.POISON}, status=JobStatus.DEAD, effects=0),
        a_row(cancel_requested=True, status=JobStatus.CANCELLED, effects=0),
        # The same work again, once the first was done.
        a_row(0, name="again"),
        a_row(3, name="again"),
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"status": JobStatus.QUEUED, "finished_at": None, "effects": 0},
        {"status": JobStatus.RUNNING, "finished_at": None, "effects": 0},
        {"status": JobStatus.DEAD, "effects": 0},
        {"status": JobStatus.FAILED, "effects": 0},
        {"effects": 0},
        {"work": {"children": 2}},
        {"work": {"trouble": Trouble.POISON}, "status": JobStatus.FAILED, "effects": 0},
    ],
)
def test_what_did_not_end_as_meant_is_lost(changes: dict[str, Any]) -> None:
    assert findings(a_row(**changes)) == {Finding.LOST}
    # Whether a request that got no answer was stored is open; if it was, it has to be done.
    assert findings(a_row(**changes), accepted=[]) == {Finding.LOST}


def test_what_was_accepted_and_is_not_there_is_lost() -> None:
    assert findings(a_row(), accepted=[uuid4()]) == {Finding.LOST}


def test_a_second_effect_is_a_double() -> None:
    assert findings(a_row(effects=2)) == {Finding.DOUBLED}


def test_the_same_work_active_twice_at_once_is_a_pair_of_twins() -> None:
    assert findings(a_row(0, name="same"), a_row(1, name="same")) == {Finding.TWINS}


def test_one_key_with_two_tasks_is_split() -> None:
    ledger = Ledger()
    first, second = a_row(), a_row()
    for row in (first, second):
        ledger.accept(row.id, asked_at=0.0, key="key")

    assert findings(first, second, ledger=ledger) == {Finding.SPLIT}


def test_work_that_begins_before_its_time_is_early() -> None:
    ledger, row = Ledger(), a_row()
    ledger.accept(row.id, asked_at=0.0, delay=1.0)

    assert findings(row, ledger=ledger) == {Finding.EARLY}


@pytest.mark.parametrize(
    "row", [a_row(cancel_requested=True), a_row(cancel_requested=True, status=JobStatus.CANCELLED)]
)
def test_cancelled_work_that_was_done_is_unwanted(row: Row) -> None:
    assert findings(row) == {Finding.UNWANTED}


def test_a_cancellation_that_was_confirmed_and_forgotten_is_found() -> None:
    row = a_row()

    assert findings(row, ledger=Ledger(cancelled={row.id})) == {Finding.UNWANTED}


def test_cancelled_work_that_is_promised_again_has_to_be_done() -> None:
    row = a_row(cancel_requested=True, status=JobStatus.CANCELLED, effects=0)
    ledger = Ledger()
    before = time.monotonic()
    ledger.cancel(row.id)

    # Asked before the answer to the cancellation was there: nobody can say which came first.
    ledger.accept(row.id, asked_at=before)
    # The answer of the first time, because it has the same key.
    ledger.accept(row.id, asked_at=time.monotonic(), key="key", replayed=True)
    assert not findings(row, ledger=ledger)

    ledger.accept(row.id, asked_at=time.monotonic())
    assert findings(row, ledger=ledger) == {Finding.LOST}

    ledger.cancel(row.id)
    assert not findings(row, ledger=ledger)


def test_the_same_work_may_be_active_again_once_the_first_was_cancelled_though_it_still_runs() -> None:
    again = a_row(1, name="same")
    cancelled = a_row(0, name="same", cancel_requested=True, status=JobStatus.CANCELLED, effects=0)

    assert not findings(replace(cancelled, cancelled_at=again.queued_at), again)
    later = again.queued_at + timedelta(seconds=0.8)
    assert findings(replace(cancelled, cancelled_at=later), again) == {Finding.TWINS}


@pytest.mark.parametrize(("breach", "finding"), [("stolen", Finding.STOLEN), ("revived", Finding.REVIVED)])
def test_what_the_job_table_saw_is_a_finding(breach: str, finding: Finding) -> None:
    assert findings(a_row(), breaches={breach: 1}) == {finding}


def test_a_moment_of_the_schedule_that_did_not_fire_is_missed() -> None:
    fired = [a_slot_job(name) for name in SCHEDULES[1:]]

    assert findings(slot_jobs=fired) == {Finding.SLOT_MISSED}


def test_a_moment_of_the_schedule_that_fired_twice_is_a_double() -> None:
    fired = [a_slot_job(name) for name in SCHEDULES]
    later = fired[0].queued_at + timedelta(seconds=5)
    again = replace(fired[0], id=uuid4(), queued_at=later, starts=[later])
    slots = [Slot(str(job.arguments["name"]), MINUTE, job.id) for job in fired]

    assert findings(slot_jobs=[*fired, again], slots=slots) == {Finding.SLOT_DOUBLED}
