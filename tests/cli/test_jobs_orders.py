"""`jobs retry` and `jobs cancel`: what an operator changes, and what they are told about it."""

from uuid import UUID, uuid4

import pytest

from job_trials import WriteNote, WritePersonalNote, claimed, enqueued
from jobs_inline import job_row
from makers import a_user
from operator_trials import Operator, end_of, jobs_in_all_states
from spotify_insights.database.actor import SYSTEM
from spotify_insights.database.database import Database
from spotify_insights.jobs.enqueue import enqueue
from spotify_insights.jobs.job import Job, JobStatus
from spotify_insights.privacy.jobs import EraseUser
from spotify_insights.runtime import Runtime


def dead(database: Database, job: Job, *, error_code: str = "ink_frozen") -> UUID:
    job_id = enqueued(database, job)
    claimed(database, job_id, type(job)).end(JobStatus.DEAD, error="No.", error_code=error_code)
    return job_id


def test_what_ended_without_success_is_queued_again_with_all_its_attempts(
    operator: Operator, database: Database
) -> None:
    jobs = jobs_in_all_states(database)
    unsuccessful = [jobs[state] for state in ("failed", "dead", "cancelled")]

    told = operator.type("jobs", "retry", *map(end_of, unsuccessful))

    assert (told.code, told.err) == (0, "")
    for job_id in unsuccessful:
        assert told.line_with(end_of(job_id)).endswith("scheduled.write_note: queued again.")
        row = job_row(database, job_id)
        assert (row.status, row.attempts, row.error) == (JobStatus.QUEUED, 0, None)


def test_one_that_cannot_be_retried_is_told_and_keeps_no_other_from_it(
    operator: Operator, database: Database
) -> None:
    jobs = jobs_in_all_states(database)
    same_work = dead(database, WriteNote(about="rain"))
    enqueued(database, WriteNote(about="rain"))

    told = operator.type(
        "jobs", "retry", end_of(jobs["succeeded"]), "ffffffff", end_of(same_work), end_of(jobs["dead"])
    )

    assert told.code == 1
    assert told.lines == [f"{end_of(jobs['dead'])} scheduled.write_note: queued again."]
    succeeded, unknown, other = told.err.splitlines()
    assert succeeded.startswith(f"{end_of(jobs['succeeded'])} scheduled.write_note: ")
    assert "succeeded" in succeeded
    assert unknown.startswith("There is no job")
    assert other.startswith(f"{end_of(same_work)} scheduled.write_note: ")
    assert job_row(database, same_work).status == JobStatus.DEAD


def test_many_are_retried_at_once_and_those_left_behind_are_named(
    operator: Operator, database: Database
) -> None:
    free = [dead(database, WriteNote(about=str(number))) for number in range(3)]
    under_way = dead(database, WriteNote(about="rain"))
    enqueued(database, WriteNote(about="rain"))

    told = operator.type("jobs", "retry", "--dead")

    assert told.code == 0
    assert told.lines[0] == "3 jobs queued again."
    assert told.lines[1].startswith("1 job left, because the same work is queued or running in another job")
    assert told.lines[2].split() == [end_of(under_way), "scheduled.write_note"]
    assert {job_row(database, job_id).status for job_id in free} == {JobStatus.QUEUED}
    assert job_row(database, under_way).status == JobStatus.DEAD


def test_of_two_equal_dead_jobs_one_is_retried_and_the_other_named(
    operator: Operator, database: Database
) -> None:
    first, second = dead(database, WriteNote()), dead(database, WriteNote())
    told = operator.type("jobs", "retry", "--dead")
    assert told.lines[0] == "1 job queued again."
    statuses = {job_row(database, job_id).status: job_id for job_id in (first, second)}
    assert set(statuses) == {JobStatus.QUEUED, JobStatus.DEAD}
    assert end_of(statuses[JobStatus.DEAD]) in told.lines[2]


def test_many_are_chosen_by_task_and_reason(operator: Operator, database: Database, runtime: Runtime) -> None:
    note = dead(database, WriteNote())
    other_reason = dead(database, WriteNote(about="x"), error_code="other")
    other_task = dead(database, WritePersonalNote(user_id=a_user(runtime)))

    choice = ("--task", "scheduled.write_note", "--error-code", "ink_frozen")
    assert operator.type("jobs", "retry", "--dead", *choice).lines == ["1 job queued again."]
    assert job_row(database, note).status == JobStatus.QUEUED
    assert {job_row(database, job_id).status for job_id in (other_reason, other_task)} == {JobStatus.DEAD}
    assert operator.type("jobs", "retry", "--dead", *choice).lines == ["No dead job is like that."]


def test_a_limit_says_how_many_it_left(operator: Operator, database: Database) -> None:
    for number in range(3):
        dead(database, WriteNote(about=str(number)))
    told = operator.type("jobs", "retry", "--dead", "--limit", "2")
    assert told.lines[0] == "2 jobs queued again."
    assert told.lines[1].startswith("1 job left by --limit 2")
    assert operator.type("jobs", "retry", "--dead", "--limit", "2").lines == ["1 job queued again."]


@pytest.mark.parametrize("words", [[], ["--dead", "abcd1234"], ["abcd1234", "--task", "x"]])
def test_a_retry_that_says_too_little_or_too_much_changes_nothing(
    operator: Operator, database: Database, words: list[str]
) -> None:
    job_id = dead(database, WriteNote())
    refused = operator.type("jobs", "retry", *words)
    assert refused.code == 2
    assert "--dead" in refused.err
    assert job_row(database, job_id).status == JobStatus.DEAD


def test_cancelling_says_what_it_met(operator: Operator, database: Database) -> None:
    jobs = jobs_in_all_states(database)

    told = operator.type("jobs", "cancel", *(end_of(jobs[state]) for state in ("queued", "running", "dead")))

    assert told.code == 1
    assert told.line_with(end_of(jobs["queued"])).endswith(": cancelled.")
    assert told.line_with(end_of(jobs["running"])).endswith(": runs, and stops at its next checkpoint.")
    assert told.err == f"{end_of(jobs['dead'])} scheduled.write_note: it has ended already (dead).\n"
    assert job_row(database, jobs["queued"]).status == JobStatus.CANCELLED
    assert job_row(database, jobs["running"]).cancel_requested
    assert " cancelling " in operator.type("jobs", "list").line_with(end_of(jobs["running"]))


def test_what_deletes_for_somebody_is_not_cancelled(operator: Operator, database: Database) -> None:
    erasure = enqueued(database, EraseUser(erasure_id=uuid4()))

    told = operator.type("jobs", "cancel", end_of(erasure))

    assert (told.code, told.out) == (1, "")
    assert told.err == (
        f"{end_of(erasure)} scheduled.erase_user: "
        "Somebody was promised that this will be deleted, so it cannot be cancelled.\n"
    )
    assert job_row(database, erasure).status == JobStatus.QUEUED


def test_what_a_job_has_queued_is_cancelled_with_it(operator: Operator, database: Database) -> None:
    parent = enqueued(database, WriteNote())
    with database.transaction(acting_for=SYSTEM) as tx:
        child = enqueue(tx, WriteNote(about="child"), parent_id=parent)
    assert operator.type("jobs", "cancel", end_of(parent)).code == 0
    assert job_row(database, child).status == JobStatus.CANCELLED
