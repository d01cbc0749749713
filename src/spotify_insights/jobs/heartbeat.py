"""Keeping the lease of a running attempt alive from a thread of its own."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from spotify_insights.errors import UnavailableError
from spotify_insights.jobs.attempt import Attempt, FencedError
from spotify_insights.observability import get_logger

_log = get_logger(__name__)
# So many renewals fit into one lease that a few which fail do not cost it.
RENEWALS_PER_LEASE = 4
_TO_END_SECONDS = 1.0


@contextmanager
def heartbeat(attempt: Attempt, *, interval: float | None = None) -> Iterator[None]:
    """Renew the lease several times in its length, or every `interval` seconds, while the block runs.

    A lost lease ends the renewals and no more: the attempt learns of it at its next checkpoint or when it
    tries to finish, and cannot store anything then.
    """
    stop = threading.Event()
    pause = interval or attempt.lease.total_seconds() / RENEWALS_PER_LEASE

    def beat() -> None:
        while not stop.wait(pause):
            try:
                attempt.renew()
            except FencedError:
                # An attempt that has just ended itself has no lease either: it stops us in a moment.
                if not stop.wait(_TO_END_SECONDS):
                    _log.warning("lease_lost", job_id=str(attempt.job_id))
                return
            except UnavailableError:
                _log.warning("lease_not_renewed", job_id=str(attempt.job_id))
            except Exception:  # noqa: BLE001  # the work goes on, and the next renewal may do better
                _log.exception("lease_not_renewed", job_id=str(attempt.job_id))

    thread = threading.Thread(target=beat, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
