"""How a worker listens: it finds Redis again soon after Redis is back, and shows that it is alive."""

import os
import time
from pathlib import Path
from typing import Any, Final

from celery.worker.consumer import Consumer
from celery.worker.state import maybe_shutdown
from kombu import Connection
from typing_extensions import override

from spotify_insights.observability import get_logger

_log = get_logger(__name__)
LONGEST_PAUSE_SECONDS: Final = 3
SIGN_OF_LIFE_SECONDS: Final = 5.0
LOOK_FOR_LOST_PROCESSES_SECONDS: Final = 0.5
# Of many tries in a row, about one in a minute is told.
_TOLD_TRIES: Final = 20


class PatientConsumer(Consumer):
    """Celery's consumer with short pauses between tries to connect: left to itself it waits up to 30 s."""

    channel_errors: tuple[type[Exception], ...]

    @override
    def ensure_connected(self, conn: Connection) -> Connection:
        """Connect, trying as long as it takes; SIGTERM ends it."""
        tries = 0

        def on_failure(error: Exception, pause: float) -> None:
            nonlocal tries
            if tries % _TOLD_TRIES == 0:
                _log.warning("redis_unreachable", error=type(error).__name__, next_try_seconds=pause)
            tries += 1

        def each_second() -> None:
            maybe_shutdown()
            # Waiting for Redis is no reason to start this worker again.
            show_life()

        conn.ensure_connection(
            on_failure,
            interval_start=1,
            interval_step=1,
            interval_max=LONGEST_PAUSE_SECONDS,
            callback=each_second,
        )
        return super().ensure_connected(conn)

    @override
    def register_with_event_loop(self, hub: Any) -> None:
        super().register_with_event_loop(hub)
        show_life()
        hub.call_repeatedly(SIGN_OF_LIFE_SECONDS, show_life)
        # Celery looks when a process closes its end of a pipe, which is a moment before it can be seen to
        # have ended, and then not for five seconds.
        hub.call_repeatedly(LOOK_FOR_LOST_PROCESSES_SECONDS, self.pool.maintain_pool)

    @override
    def on_connection_error_after_connected(self, exc: Exception) -> None:
        super().on_connection_error_after_connected(exc)
        if isinstance(exc, self.channel_errors):
            # Redis is there and refuses; asked again at once it would only refuse again.
            time.sleep(1)


def show_life() -> None:
    """Touch the file that the environment names, for a probe that watches its age."""
    liveness_file = os.environ.get("LIVENESS_FILE")
    if liveness_file:
        Path(liveness_file).touch()
