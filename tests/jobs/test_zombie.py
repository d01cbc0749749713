"""An attempt that stood still beyond its lease and goes on as if nothing had happened, step by step.

The same steps without the fence leave two effects, so these tests can fail.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from uuid import UUID

import pytest

from chaos.mutations import without_fence, without_lease_check
from job_trials import Notes, WriteNote, claimed, enqueued, expire_lease
from jobs_inline import job_row
from spotify_insights.database.database import Database
from spotify_insights.errors import TemporaryError
from spotify_insights.jobs.attempt import Attempt, FencedError
from spotify_insights.jobs.claim import claim
from spotify_insights.jobs.job import JobStatus
from spotify_insights.settings import Settings


@pytest.fixture
def elsewhere(settings: Settings) -> Iterator[Database]:
    """The way to the database of another worker: its connections are its own."""
    database = Database(settings.database_url.get_secret_value(), application_name="the other worker")
    yield database
    database.close()


Finish = Callable[[], None]
Freeze = Callable[[ExitStack, Notes, Attempt], Finish]


def before_its_end(_: ExitStack, notes: Notes, zombie: Attempt) -> Finish:
    """It stands still in the middle of its work; all of its last transaction is still to come."""
    return lambda: notes.do(zombie, WriteNote())


def inside_its_end(frozen: ExitStack, notes: Notes, zombie: Attempt) -> Finish:
    """It stands still in its last transaction: its effect is written, its success and the commit are not."""
    completion = frozen.enter_context(zombie.completion())
    notes.write(completion.tx, zombie)
    return frozen.close


def finished_by_both(
    database: Database, elsewhere: Database, notes: Notes, freeze: Freeze
) -> tuple[UUID, Attempt, Finish]:
    """A zombie that is about to finish what another worker has finished meanwhile."""
    job_id = enqueued(database, WriteNote())
    zombie = claimed(database, job_id)
    finish = freeze(ExitStack(), notes, zombie)
    assert claim(elsewhere, job_id, WriteNote) is None
    expire_lease(elsewhere, job_id)
    live = claimed(elsewhere, job_id)
    notes.do(live, WriteNote())
    return job_id, live, finish


@pytest.mark.parametrize("freeze", [before_its_end, inside_its_end])
def test_a_zombie_adds_no_second_effect(
    database: Database, elsewhere: Database, notes: Notes, freeze: Freeze
) -> None:
    job_id, live, finish = finished_by_both(database, elsewhere, notes, freeze)
    ended = job_row(elsewhere, job_id).finished_at

    with pytest.raises(FencedError):
        finish()

    assert notes.on(job_id) == [live.lease_token]
    row = job_row(elsewhere, job_id)
    assert (row.status, row.attempts, row.finished_at) == (JobStatus.SUCCEEDED, 2, ended)


@pytest.mark.parametrize("freeze", [before_its_end, inside_its_end])
def test_without_the_fence_the_same_steps_leave_two_effects(
    database: Database, elsewhere: Database, notes: Notes, freeze: Freeze
) -> None:
    with without_fence():
        job_id, live, finish = finished_by_both(database, elsewhere, notes, freeze)
        finish()

    assert len(notes.on(job_id)) == 2
    assert live.lease_token in notes.on(job_id)


def test_a_zombie_does_not_end_the_attempt_that_took_over(
    database: Database, elsewhere: Database, notes: Notes
) -> None:
    job_id = enqueued(database, WriteNote())
    zombie = claimed(database, job_id)
    expire_lease(elsewhere, job_id)
    live = claimed(elsewhere, job_id)
    trouble = TemporaryError("Spotify was away, an hour ago.")

    for give_up in (
        lambda: zombie.end(JobStatus.FAILED, error=trouble.message, error_code=trouble.code),
        lambda: zombie.progress("fetching", done=1, total=2),
        zombie.checkpoint,
        zombie.renew,
        lambda: notes.do(zombie, WriteNote()),
    ):
        with pytest.raises(FencedError):
            give_up()

    notes.do(live, WriteNote())
    assert notes.on(job_id) == [live.lease_token]


def test_only_a_lease_that_is_over_lets_another_attempt_begin(
    database: Database, elsewhere: Database
) -> None:
    job_id = enqueued(database, WriteNote())
    claimed(database, job_id)

    assert claim(elsewhere, job_id, WriteNote) is None
    with without_lease_check():
        assert claim(elsewhere, job_id, WriteNote) is not None
