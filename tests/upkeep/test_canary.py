"""A canary for each queue, and one at a time."""

import pytest

from job_trials import enqueued
from jobs_inline import job_row, queued_jobs, work_off
from spotify_insights.jobs.job import Queue
from spotify_insights.jobs.upkeep.canary import CANARIES, Canary
from spotify_insights.jobs.upkeep.figures import job_figures
from spotify_insights.runtime import Runtime
from upkeep_trials import answer_of


def test_every_queue_has_its_canary() -> None:
    assert {queue: canary.queue for queue, canary in CANARIES.items()} == {queue: queue for queue in Queue}
    assert {canary.task_name for canary in CANARIES.values()} == {f"{queue}.canary" for queue in Queue}


@pytest.mark.parametrize("canary", CANARIES.values())
def test_while_one_waits_the_next_slot_joins_it(runtime: Runtime, canary: type[Canary]) -> None:
    first = enqueued(runtime.database, canary())
    assert enqueued(runtime.database, canary()) == first
    assert [job.id for job in queued_jobs(runtime.database)] == [first]


def test_a_worker_ends_canaries_and_the_figures_tell_when(runtime: Runtime) -> None:
    canaries = [enqueued(runtime.database, canary()) for canary in CANARIES.values()]
    before = answer_of(runtime.database, job_figures())["canary_seconds"]

    work_off(runtime)

    assert [job_row(runtime.database, job_id).status for job_id in canaries] == ["succeeded"] * 3
    assert before == dict.fromkeys(Queue)
    after = answer_of(runtime.database, job_figures())["canary_seconds"]
    assert all(0 <= seconds < 60 for seconds in after.values())
