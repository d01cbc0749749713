"""Keeping the lease of a running attempt alive from a thread of its own."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from spotify_insights.errors import UnavailableError
from spotify_insights.jobs.attempt import LEASE, Attempt, FencedError
from spotify_insights.observability import get_logger

_log = get_logger(__name__)
# Four renewals fit into one lease, so that a few that fail do not cost it.
HEARTBEAT_SECONDS: Final = LEASE.total_seconds() / 4


@contextmanager
def heartbeat(attempt: Attempt, *, interval: float = HEARTBEAT_SECONDS) -> Iterator[None]:
    """Renew the lease every `interval` seconds while the block runs.

    A lost lease ends the renewals and no more: the attempt learns of it when it tries to finish, and
    cannot store anything then.
    """
    stop = threading.Event()

    def beat() -> None:
        while not stop.wait(interval):
            try:
                attempt.renew()
            except FencedError:
                _log.warning("lease_lost", job_id=str(attempt.job_id))
                return
            except UnavailableError:
                _log.warning("lease_not_renewed", job_id=str(attempt.job_id))

    thread = threading.Thread(target=beat, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
