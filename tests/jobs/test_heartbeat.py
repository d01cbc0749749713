import threading
import time
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from structlog.testing import capture_logs

from job_trials import A_SECOND, WriteNote, claimed, enqueued, expire_lease, present, set_from_now
from jobs_inline import job_row
from server_trials import eventually
from spotify_insights.database.database import Database
from spotify_insights.jobs.attempt import FencedError
from spotify_insights.jobs.heartbeat import heartbeat

OFTEN = 0.02


def lease_end(database: Database, job_id: UUID) -> datetime:
    end = job_row(database, job_id).lease_expires_at
    assert end is not None
    return end


def heartbeat_has_ended() -> bool:
    return all(thread.name != "heartbeat" for thread in threading.enumerate())


def test_the_lease_is_renewed_while_the_work_goes_on_and_not_after(database: Database) -> None:
    job_id = enqueued(database, WriteNote())
    attempt = claimed(database, job_id)
    set_from_now(database, job_id, lease_expires_at=A_SECOND)
    nearly_a_lease_away = present(database) + timedelta(seconds=50)

    with heartbeat(attempt, interval=OFTEN):
        assert eventually(lambda: lease_end(database, job_id) > nearly_a_lease_away)
        earlier = lease_end(database, job_id)
        assert eventually(lambda: lease_end(database, job_id) > earlier)

    assert heartbeat_has_ended()
    with attempt.completion():
        pass


def test_the_lease_never_outlasts_the_deadline(database: Database) -> None:
    job_id = enqueued(database, WriteNote())
    attempt = claimed(database, job_id)
    set_from_now(database, job_id, lease_expires_at=A_SECOND, deadline_at=timedelta(seconds=20))
    deadline = job_row(database, job_id).deadline_at

    with heartbeat(attempt, interval=OFTEN):
        assert eventually(lambda: lease_end(database, job_id) == deadline)
        assert not heartbeat_has_ended()


def test_after_the_deadline_a_heartbeat_renews_nothing_and_ends(database: Database) -> None:
    job_id = enqueued(database, WriteNote())
    attempt = claimed(database, job_id)
    set_from_now(database, job_id, lease_expires_at=A_SECOND, deadline_at=-A_SECOND)
    end = lease_end(database, job_id)

    with pytest.raises(FencedError):
        attempt.renew()
    with heartbeat(attempt, interval=OFTEN):
        assert eventually(heartbeat_has_ended)

    assert lease_end(database, job_id) == end


def test_a_heartbeat_ends_when_another_attempt_has_taken_over(database: Database) -> None:
    job_id = enqueued(database, WriteNote())
    zombie = claimed(database, job_id)
    expire_lease(database, job_id)
    claimed(database, job_id)
    end = lease_end(database, job_id)

    with heartbeat(zombie, interval=OFTEN):
        assert eventually(heartbeat_has_ended)

    assert lease_end(database, job_id) == end


def test_an_error_of_the_work_passes_through_and_ends_the_heartbeat(database: Database) -> None:
    attempt = claimed(database, enqueued(database, WriteNote()))

    with pytest.raises(ZeroDivisionError), heartbeat(attempt, interval=OFTEN):
        raise ZeroDivisionError

    assert heartbeat_has_ended()


def test_an_attempt_that_ends_itself_has_lost_nothing(database: Database) -> None:
    attempt = claimed(database, enqueued(database, WriteNote()))

    with capture_logs() as log, heartbeat(attempt, interval=OFTEN):
        with attempt.completion():
            pass
        # The next renewal comes before the block ends, and finds a job that has ended.
        with pytest.raises(FencedError):
            attempt.renew()
        time.sleep(5 * OFTEN)

    assert "lease_lost" not in [line["event"] for line in log]


def test_a_lease_that_somebody_took_is_told(database: Database) -> None:
    job_id = enqueued(database, WriteNote())
    attempt = claimed(database, job_id)
    expire_lease(database, job_id)
    claimed(database, job_id)

    with capture_logs() as log, heartbeat(attempt, interval=OFTEN):
        assert eventually(lambda: "lease_lost" in [line["event"] for line in log])
