"""How a worker listens: it finds Redis again soon after Redis is back, and shows that it is alive."""

import time
from typing import Any, Final

from billiard.util import register_after_fork
from celery.worker.consumer import Consumer
from celery.worker.state import maybe_shutdown
from kombu import Connection
from typing_extensions import override

from spotify_insights.observability import get_logger
from spotify_insights.worker.life import show_life

_log = get_logger(__name__)
LONGEST_PAUSE_SECONDS: Final = 3
SIGN_OF_LIFE_SECONDS: Final = 5.0
LOOK_FOR_LOST_PROCESSES_SECONDS: Final = 0.5
# Of many tries in a row, about one in a minute is told.
_TOLD_TRIES: Final = 20


class PatientConsumer(Consumer):
    """Celery's consumer with short pauses between tries to connect: left to itself it waits up to 30 s."""

    channel_errors: tuple[type[Exception], ...]

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        register_after_fork(self, PatientConsumer.leave_redis_to_the_main_process)

    def leave_redis_to_the_main_process(self) -> None:
        """Close, in a new process of the pool, its copies of the sockets on which the main process listens.

        While a copy is open, the kernel goes on reporting a socket that the main process has closed, under a
        number that its successor may have been given. Kombu then reads from the successor, which has nothing
        to say, and redis-py waits for a message of its subscriptions for ever.
        """
        cycle = getattr(getattr(self.connection, "transport", None), "cycle", None)
        if cycle is not None:
            for listening in cycle._chan_to_sock.values():  # noqa: SLF001  # kombu has no public way to them
                listening.close()

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
        # Each of what follows may wait long for a name server that does not answer.
        show_life()
        super().on_connection_error_after_connected(exc)
        show_life()
        if isinstance(exc, self.channel_errors):
            # Redis is there and refuses; asked again at once it would only refuse again.
            time.sleep(1)
