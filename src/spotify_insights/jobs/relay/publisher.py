"""Handing messages to the broker: each one the id of a job, a nudge that may be lost or doubled."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol
from uuid import UUID

from celery import Celery
from kombu.exceptions import KombuError
from kombu.pools import producers
from redis.exceptions import RedisError

from spotify_insights.errors import TemporaryError

# Gone whenever the broker lost what it held: a restart without its data, a flush, an empty stand-in.
MEMORY: Final = "spotify-insights:broker-memory"


@dataclass(frozen=True)
class DueJob:
    """What the broker is told about a job."""

    id: UUID
    task_name: str
    queue: str


class BrokerUnreachableError(TemporaryError):
    """The broker did not take the messages."""

    code = "broker_unreachable"


class Publisher(Protocol):
    """Sends nudges.

    Raises:
        BrokerUnreachableError: the broker did not take all of them; some may have arrived.
    """

    def publish(self, jobs: Sequence[DueJob]) -> None: ...

    def remembers(self) -> bool:
        """Whether the broker still has what it was given since `remember`."""
        ...

    def remember(self) -> None:
        """From now on the broker remembers."""
        ...


class CeleryPublisher:
    """Publishes over one pooled Celery connection; a broker that is down is reported at once."""

    def __init__(self, app: Celery) -> None:
        self._app = app
        # A broker that takes connections and never answers must not hold up the relay's other work for long.
        self._producers = producers[app.connection_for_write(transport_options={"socket_timeout": 2})]

    def publish(self, jobs: Sequence[DueJob]) -> None:
        """Send one message per job, its only argument the job's id."""
        try:
            with self._producers.acquire(block=True, timeout=5) as producer:
                for job in jobs:
                    self._app.send_task(
                        job.task_name, args=[str(job.id)], queue=job.queue, producer=producer, retry=False
                    )
        except (KombuError, RedisError, OSError) as error:
            raise _unreachable(error) from error

    def remembers(self) -> bool:
        """Whether the key that `remember` set is still there."""
        try:
            with self._producers.acquire(block=True, timeout=5) as producer:
                return bool(producer.channel.client.exists(MEMORY))
        except (KombuError, RedisError, OSError) as error:
            raise _unreachable(error) from error

    def remember(self) -> None:
        """Set a key that is gone whenever the broker has lost what it held."""
        try:
            with self._producers.acquire(block=True, timeout=5) as producer:
                producer.channel.client.set(MEMORY, 1)
        except (KombuError, RedisError, OSError) as error:
            raise _unreachable(error) from error


def _unreachable(error: Exception) -> BrokerUnreachableError:
    return BrokerUnreachableError(
        f"The broker does not take messages ({type(error).__name__}); jobs wait in the database."
    )
