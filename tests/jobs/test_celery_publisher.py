"""Publishing through Celery to a real Redis."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
import redis
from celery import Celery
from kombu import Queue as KombuQueue

from job_trials import WriteNote, WritePersonalNote, enqueued
from jobs_inline import queued_jobs
from makers import a_user
from misbehaving_server import reset, server, suppress_hang_up
from spotify_insights.database.database import Database
from spotify_insights.jobs.celery_app import broker_address, create_celery
from spotify_insights.jobs.job import Queue
from spotify_insights.jobs.relay.publisher import BrokerUnreachableError, CeleryPublisher, DueJob
from spotify_insights.jobs.relay.relay import Relay
from spotify_insights.runtime import Runtime
from spotify_insights.settings import Settings


@pytest.fixture
def app(settings: Settings) -> Iterator[Celery]:
    with create_celery(settings.redis_url.get_secret_value()) as app:
        yield app


def messages(app: Celery, queue: Queue) -> list[tuple[str, Any]]:
    """The task and the arguments of every message in the queue, taken out in the order they lie there."""
    with app.connection_for_read() as connection:
        taken = iter(
            lambda: KombuQueue(queue.value, channel=connection.default_channel).get(no_ack=True), None
        )
        return [(message.headers["task"], message.payload) for message in taken]


def test_a_message_carries_the_id_of_its_job_and_nothing_else(
    database: Database, runtime: Runtime, app: Celery
) -> None:
    system = enqueued(database, WriteNote(about="canary"))
    personal = enqueued(database, WritePersonalNote(about="canary", user_id=a_user(runtime)))

    assert Relay(database, CeleryPublisher(app)).publish_due() == 2

    nothing_else: tuple[dict[str, Any], dict[str, Any]] = (
        {},
        {"callbacks": None, "errbacks": None, "chain": None, "chord": None},
    )
    assert messages(app, Queue.SCHEDULED) == [("scheduled.write_note", [[str(system)], *nothing_else])]
    assert messages(app, Queue.SPOTIFY) == [("spotify.write_personal_note", [[str(personal)], *nothing_else])]
    assert messages(app, Queue.INSIGHTS) == []


@pytest.mark.parametrize("queue", Queue)
def test_a_message_goes_to_the_queue_of_its_job(app: Celery, queue: Queue) -> None:
    job = DueJob(id=uuid4(), task_name="any.task", queue=queue.value)

    CeleryPublisher(app).publish([job])

    assert {q: len(messages(app, q)) for q in Queue} == {q: int(q == queue) for q in Queue}


def test_a_queue_that_does_not_exist_is_refused_instead_of_created(app: Celery) -> None:
    job = DueJob(id=uuid4(), task_name="any.task", queue="misspelt")

    with pytest.raises(Exception, match="misspelt"):
        CeleryPublisher(app).publish([job])


def port_without_listener() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def test_an_unreachable_broker_is_reported_within_two_seconds(database: Database, tmp_path: Path) -> None:
    job_id = enqueued(database, WriteNote())
    addresses = (f"redis://127.0.0.1:{port_without_listener()}/0", f"unix://{tmp_path}/nobody.sock")
    for address in addresses:
        relay = Relay(database, CeleryPublisher(create_celery(address)))
        started = time.monotonic()
        with pytest.raises(BrokerUnreachableError, match="does not take messages"):
            relay.publish_due()
        assert time.monotonic() - started < 2
        assert [(row.id, row.published_at) for row in queued_jobs(database)] == [(job_id, None)]


def test_the_publisher_finds_its_way_back_to_a_broker_that_was_away(settings: Settings, app: Celery) -> None:
    with FragileWay(settings.redis_url.get_secret_value()).open() as (way, port):
        number = broker_address(settings.redis_url.get_secret_value()).rpartition("=")[2].rpartition("/")[2]
        publisher = CeleryPublisher(create_celery(f"redis://127.0.0.1:{port}/{number}"))
        before, meanwhile, after = (DueJob(id=uuid4(), task_name="any.task", queue="spotify") for _ in "123")
        publisher.publish([before])

        way.is_broken.set()
        way.cut()
        started = time.monotonic()
        with pytest.raises(BrokerUnreachableError):
            publisher.publish([meanwhile])
        assert time.monotonic() - started < 2

        way.is_broken.clear()
        publisher.publish([after])

    received = [payload[0] for _, payload in messages(app, Queue.SPOTIFY)]
    assert sorted(received) == sorted([[str(before.id)], [str(after.id)]])


def test_a_broker_that_was_emptied_is_noticed_by_every_relay_until_one_has_dealt_with_it(
    settings: Settings, app: Celery
) -> None:
    publisher, another = CeleryPublisher(app), CeleryPublisher(app)
    publisher.remember()
    assert publisher.remembers() is True
    assert another.remembers() is True

    with redis.Redis.from_url(settings.redis_url.get_secret_value()) as client:
        client.flushdb()

    assert publisher.remembers() is False
    assert another.remembers() is False
    publisher.remember()
    assert another.remembers() is True


def test_a_broker_that_is_away_does_not_pass_for_one_that_remembers() -> None:
    publisher = CeleryPublisher(create_celery(f"redis://127.0.0.1:{port_without_listener()}/0"))

    with pytest.raises(BrokerUnreachableError):
        publisher.remembers()


class FragileWay:
    """A way to Redis through a port of this test, which can be broken."""

    def __init__(self, redis_url: str) -> None:
        self._redis_url = redis_url
        self._sockets: list[socket.socket] = []
        self.is_broken = threading.Event()

    @contextmanager
    def open(self) -> Iterator[tuple[Self, int]]:
        with server(self._forward) as port:
            yield self, port
            self.cut()

    def cut(self) -> None:
        """End every connection that exists."""
        for side in self._sockets:
            with suppress_hang_up():
                side.shutdown(socket.SHUT_RDWR)

    def _forward(self, client: socket.socket) -> None:
        if self.is_broken.is_set():
            reset(client)
            return
        with self._connect() as server_side:
            self._sockets += [client, server_side]
            answers = threading.Thread(target=self._pump, args=(server_side, client), daemon=True)
            answers.start()
            self._pump(client, server_side)
            answers.join()

    def _connect(self) -> socket.socket:
        address = urlsplit(self._redis_url)
        if address.scheme != "unix":
            return socket.create_connection((address.hostname, address.port or 6379))
        server_side = socket.socket(socket.AF_UNIX)
        server_side.connect(address.path)
        return server_side

    @staticmethod
    def _pump(source: socket.socket, target: socket.socket) -> None:
        with suppress_hang_up():
            while received := source.recv(65_536):
                target.sendall(received)
        for side in (source, target):
            with suppress_hang_up():
                side.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize(
    ("redis_url", "broker"),
    [
        ("redis://user:secret@host:6380/3", "redis://user:secret@host:6380/3"),
        ("rediss://host:6380/0", "rediss://host:6380/0"),
        ("unix:///run/redis.sock", "redis+socket:///run/redis.sock?virtual_host=0"),
        ("unix:///run/redis.sock?db=4", "redis+socket:///run/redis.sock?virtual_host=4"),
    ],
)
def test_the_broker_address_is_spelt_as_kombu_does(redis_url: str, broker: str) -> None:
    assert broker_address(redis_url) == broker
