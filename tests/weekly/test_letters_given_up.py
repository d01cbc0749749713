"""A letter that nobody could write, or that nobody wanted, is not asked for again by the next slot."""

from uuid import UUID

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from invented_weeks import WEEK
from job_trials import claimed, enqueued
from jobs_inline import job_row, queued_jobs, work_off
from spotify_insights.database.actor import SYSTEM
from spotify_insights.insights.jobs import GenerateWeeklySummaries, GenerateWeeklySummary
from spotify_insights.jobs.cancel import cancel_job
from spotify_insights.jobs.job import JobStatus
from spotify_insights.jobs.requeue import requeue_job
from spotify_insights.listening.week import TOLD_WITHIN
from spotify_insights.runtime import Runtime
from spotify_insights.settings import Settings
from weekly_trials import (
    HOUR,
    NINE_IN_BERLIN,
    a_listener,
    letters,
    result_of,
    run_slot,
    stand_at,
    work_off_first,
)

GIVEN_UP = (JobStatus.FAILED, JobStatus.DEAD, JobStatus.CANCELLED)


def summaries(runtime: Runtime, user_id: UUID) -> list[str]:
    """How all jobs for letters to this listener stand."""
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        return list(
            tx.session.scalars(
                text(
                    "SELECT status FROM background_jobs WHERE owner_id = :owner_id AND task_name = :task_name"
                ),
                {"owner_id": user_id, "task_name": GenerateWeeklySummary.task_name},
            )
        )


def the_letter_ends(runtime: Runtime, status: JobStatus) -> UUID:
    """Let the slot ask for the letter, and the letter end in this way."""
    work_off_first(runtime, enqueued(runtime.database, GenerateWeeklySummaries()))
    [summary] = queued_jobs(runtime.database)
    if status is JobStatus.CANCELLED:
        with runtime.database.transaction(acting_for=SYSTEM) as tx:
            cancel_job(tx, summary.id, acting_for=SYSTEM)
    else:
        attempt = claimed(runtime.database, summary.id, GenerateWeeklySummary)
        attempt.end(status, error="There is no paper.", error_code="no_paper")
    assert job_row(runtime.database, summary.id).status == status
    return summary.id


@pytest.mark.parametrize("status", GIVEN_UP)
def test_slots_leave_a_letter_alone_that_was_given_up(
    runtime: Runtime, client: TestClient, monkeypatch: pytest.MonkeyPatch, status: JobStatus
) -> None:
    stand_at(monkeypatch, NINE_IN_BERLIN)
    user_id = a_listener(runtime)
    the_letter_ends(runtime, status)
    other = a_listener(runtime)

    asked = []
    for hours in (1, 2, 71):
        stand_at(monkeypatch, NINE_IN_BERLIN + hours * HOUR)
        asked.append(result_of(run_slot(runtime))["listeners"])

    # The other listener's letter is asked for as ever.
    assert asked == [1, 0, 0]
    assert summaries(runtime, user_id) == [status]
    assert letters(client, user_id) == []
    assert len(letters(client, other)) == 1


@pytest.mark.parametrize("status", GIVEN_UP)
def test_an_operator_may_have_it_written_after_all(
    runtime: Runtime, client: TestClient, monkeypatch: pytest.MonkeyPatch, status: JobStatus
) -> None:
    stand_at(monkeypatch, NINE_IN_BERLIN)
    user_id = a_listener(runtime)
    job_id = the_letter_ends(runtime, status)

    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        requeue_job(tx, job_id)
    work_off(runtime)
    run_slot(runtime)

    assert summaries(runtime, user_id) == ["succeeded"]
    assert len(letters(client, user_id)) == 1


def test_the_week_after_is_another_letter(
    runtime: Runtime, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_at(monkeypatch, NINE_IN_BERLIN)
    user_id = a_listener(runtime)
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        tx.session.execute(
            text("""
                INSERT INTO background_jobs (id, task_name, queue, owner_id, deduplication_key, arguments,
                                             status, finished_at)
                SELECT gen_random_uuid(), :task_name, 'insights', :owner_id, :key, '{}', 'failed',
                       clock_timestamp()
            """),
            {
                "task_name": GenerateWeeklySummary.task_name,
                "owner_id": user_id,
                "key": GenerateWeeklySummary(
                    user_id=user_id, week_ends_on=WEEK.before.ends_on
                ).deduplication_key,
            },
        )

    run_slot(runtime)

    assert len(letters(client, user_id)) == 1


@pytest.mark.parametrize("name", ["job", "failed_job", "dead_job"])
def test_no_retention_forgets_a_letter_while_it_is_due(name: str) -> None:
    field = Settings.model_fields[f"{name}_retention_days"]
    [least] = [rule.ge for rule in field.metadata if getattr(rule, "ge", None) is not None]
    assert least * 24 * HOUR > TOLD_WITHIN
