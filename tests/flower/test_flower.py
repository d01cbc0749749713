"""`spotify-insights flower` over real HTTP: a password for everything, nothing to change, no secret shown."""

import base64
import http.client
import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tornado.routing import URLSpec

from conftest import Servers
from job_trials import enqueued
from jobs_inline import job_row
from server_trials import eventually
from spotify_insights.database.database import Database
from spotify_insights.embedded.binaries import find_valkey
from spotify_insights.errors import SetupError
from spotify_insights.jobs.celery_app import create_celery
from spotify_insights.jobs.job import JobStatus
from spotify_insights.jobs.relay.publisher import CeleryPublisher, DueJob
from spotify_insights.jobs.upkeep.canary import ScheduledCanary
from spotify_insights.worker.flower import run_flower

USER, PASSWORD, BROKER_PASSWORD = "robin", "canary-pässword-51c0", "canary-broker-77fe"
PAGES = ("/", "/workers", "/tasks", "/broker", "/metrics", "/api/workers", "/api/tasks", "/api/task/types")


@dataclass(frozen=True)
class Reply:
    status: int
    text: str


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


RIGHT = basic(USER, PASSWORD)


@dataclass(frozen=True)
class RunningFlower:
    process: subprocess.Popen[bytes]
    port: int
    folder: Path

    @property
    def log(self) -> str:
        return (self.folder / "flower.log").read_text()

    def ask(
        self,
        path: str,
        *,
        authorization: str | None = RIGHT,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        given = {"Authorization": authorization} if authorization is not None else {}
        try:
            connection.request(method, path, headers={**given, **(headers or {})})
            response = connection.getresponse()
            return Reply(response.status, response.read().decode())
        finally:
            connection.close()


def environment(redis_url: str, folder: Path) -> dict[str, str]:
    # Flower asks neither for the database nor for the keys; the settings want them named.
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("FLOWER_")},
        "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing",
        "TOKEN_KEYS_FILE": str(folder / "no-keys.json"),
        "REDIS_URL": redis_url,
        "LOG_LEVEL": "DEBUG",
    }


@contextmanager
def running_flower(redis_url: str, folder: Path) -> Iterator[RunningFlower]:
    ready = folder / "flower.ready"
    given = {"FLOWER_USER": USER, "FLOWER_PASSWORD": PASSWORD, "READY_FILE": str(ready)}
    command = [sys.executable, "-m", "spotify_insights", "flower", "--port", "0"]
    (folder / "empty").mkdir()
    with (
        (folder / "flower.log").open("wb") as log,
        subprocess.Popen(  # noqa: S603  # our own program
            command,
            env={**environment(redis_url, folder), **given},
            cwd=folder / "empty",
            stdout=log,
            stderr=log,
        ) as process,
    ):
        try:
            assert eventually(ready.exists), (folder / "flower.log").read_text()
            found = re.search(r'"port": (\d+)', (folder / "flower.log").read_text())
            assert found is not None
            yield RunningFlower(process, int(found[1]), folder)
        finally:
            process.kill()


@pytest.fixture(scope="module")
def flower(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningFlower]:
    with running_flower(servers.redis_url, tmp_path_factory.mktemp("flower")) as running:
        yield running


@pytest.mark.parametrize("path", [*PAGES, "/static/js/flower.js", "/login", "/no-such-page"])
def test_nobody_sees_anything_without_the_password(flower: RunningFlower, path: str) -> None:
    assert flower.ask(path).status != 401
    for refused in (
        flower.ask(path, authorization=None),
        flower.ask(path, authorization=basic(USER, "guess")),
        flower.ask(path, authorization=basic("admin", PASSWORD)),
        flower.ask(path, authorization=basic(USER, PASSWORD[:-1])),
    ):
        assert refused == Reply(401, "Say FLOWER_USER and FLOWER_PASSWORD to look at this.\n")


@pytest.mark.parametrize("path", PAGES)
def test_whoever_has_the_password_sees_every_page(flower: RunningFlower, path: str) -> None:
    assert flower.ask(path).status == 200


@given(st.text(st.characters(min_codepoint=32, max_codepoint=255, blacklist_characters="\x7f")))
def test_whatever_else_stands_for_a_password_is_refused_and_no_error(
    flower: RunningFlower, text: str
) -> None:
    assert flower.ask("/", authorization=text).status == 401
    assert flower.ask("/", authorization=f"Basic {text}").status == 401


def test_the_health_check_is_open_and_says_nothing_else(flower: RunningFlower) -> None:
    assert flower.ask("/healthcheck", authorization=None) == Reply(200, "OK")


def test_nothing_can_be_changed(flower: RunningFlower) -> None:
    paths = [re.sub(r"\(\.[+*]\)", "something", pattern) for pattern in writing_paths()]
    assert "/api/worker/shutdown/something" in paths
    assert "/api/task/send-task/something" in paths
    for path in paths:
        assert flower.ask(path, method="POST", authorization=None).status == 401
        assert flower.ask(path, method="POST") == Reply(403, "Read only mode is enabled")


def writing_paths() -> list[str]:
    """Every path of this version of Flower that takes a POST to do something."""
    from flower.urls import handlers  # type: ignore[import-untyped]  # noqa: PLC0415  # carries no types

    # All of its interface for programs; what its pages read by POST changes nothing.
    interface = [(rule[0], rule[1]) for rule in handlers if not isinstance(rule, URLSpec)]
    return [path for path, handler in interface if path.startswith("/api/") and "post" in vars(handler)]


def test_another_site_cannot_use_the_password_that_a_browser_keeps(flower: RunningFlower) -> None:
    query = (
        "/tasks/datatable?draw=1&start=0&length=5&order[0][column]=0&order[0][dir]=asc&columns[0][data]=name"
    )
    assert flower.ask(query, method="POST").status == 200
    for elsewhere in ({"Origin": "http://elsewhere.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert flower.ask(query, method="POST", headers=elsewhere).status == 403


def test_it_is_on_this_machine_only_and_keeps_nothing(flower: RunningFlower) -> None:
    listening = subprocess.run(  # noqa: S603  # our own program
        [sys.executable, "-c", LISTENING, str(flower.process.pid)], check=True, capture_output=True, text=True
    )
    assert json.loads(listening.stdout) == ["127.0.0.1"]
    assert list((flower.folder / "empty").iterdir()) == []


LISTENING = """
import json, sys, psutil
found = psutil.Process(int(sys.argv[1])).net_connections("inet")
print(json.dumps(sorted({c.laddr.ip for c in found if c.status == psutil.CONN_LISTEN})))
"""


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "FLOWER_PASSWORD is not set."),
        ({"FLOWER_PASSWORD": ""}, "FLOWER_PASSWORD is not set."),
        # A browser could not say it.
        ({"FLOWER_PASSWORD": PASSWORD, "FLOWER_USER": "a:b"}, "The setting FLOWER_USER cannot be used"),
    ],
)
def test_without_a_password_that_can_be_said_it_does_not_start(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, given: dict[str, str], said: str
) -> None:
    monkeypatch.delenv("FLOWER_PASSWORD", raising=False)
    for name, value in {**environment("redis://127.0.0.1:1/0", tmp_path), **given}.items():
        monkeypatch.setenv(name, value)
    # Should it start after all, it ends for another reason instead of serving for ever.
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(SetupError, match=f"^{said}") as refused,
    ):
        run_flower(address="127.0.0.1", port=taken.getsockname()[1])
    assert PASSWORD not in refused.value.message


@pytest.mark.slow
def test_a_port_that_is_taken_is_one_sentence(tmp_path: Path) -> None:
    given = {"FLOWER_PASSWORD": PASSWORD, "LOG_LEVEL": "WARNING"}
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = subprocess.run(  # noqa: S603  # our own program
            [sys.executable, "-m", "spotify_insights", "flower", "--port", str(port)],
            check=False,
            env={**environment("redis://127.0.0.1:1/0", tmp_path), **given},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith(f"Flower cannot serve 127.0.0.1:{port} (Address already in use)")
    assert ended.stderr.count("\n") == 1


def test_it_stops_at_once_although_its_broker_never_answers(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        with running_flower(f"redis://:{BROKER_PASSWORD}@{address}/0", tmp_path) as flower:
            assert flower.ask("/healthcheck").status == 200
            flower.process.terminate()
            # Answers of a broker are waited for longer than this.
            assert flower.process.wait(timeout=4) == 0
            assert BROKER_PASSWORD not in flower.log


@contextmanager
def redis_with_password(folder: Path) -> Iterator[str]:
    """A Redis server of the test's own that asks for a password."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = {"port": str(port), "bind": "127.0.0.1", "save": "", "dir": str(folder)}
    words = [word for name, value in settings.items() for word in (f"--{name}", value)]
    with (
        (folder / "redis.log").open("wb") as log,
        subprocess.Popen(  # noqa: S603  # the wheel's own program
            [str(find_valkey()), *words, "--requirepass", BROKER_PASSWORD], stdout=log
        ) as process,
    ):
        try:
            yield f"redis://:{quote(BROKER_PASSWORD)}@127.0.0.1:{port}/0"
        finally:
            process.terminate()


def test_it_shows_what_a_worker_did_by_id_alone_and_no_secret(
    database: Database, empty: Servers, key_file: Path, tmp_path: Path
) -> None:
    job = ScheduledCanary()
    with redis_with_password(tmp_path) as redis_url, running_flower(redis_url, tmp_path) as flower:
        of_worker = {"DATABASE_URL": empty.database_url, "TOKEN_KEYS_FILE": str(key_file)}
        with (
            (tmp_path / "worker.log").open("wb") as log,
            subprocess.Popen(
                [sys.executable, "-m", "spotify_insights", "worker", "scheduled"],
                env={**environment(redis_url, tmp_path), **of_worker},
                stdout=log,
                stderr=log,
            ) as worker,
        ):
            try:
                job_id = enqueued(database, job)
                with create_celery(redis_url) as app:
                    CeleryPublisher(app).publish([DueJob(job_id, job.task_name, job.queue)])
                assert eventually(lambda: job_row(database, job_id).status == JobStatus.SUCCEEDED)
                tasks: dict[str, dict[str, object]] = {}

                def is_told() -> bool:
                    tasks.update(json.loads(flower.ask("/api/tasks").text))
                    return [task["state"] for task in tasks.values()] == ["SUCCESS"]

                assert eventually(is_told)
                ((task_id, task),) = tasks.items()
                assert task["name"] == "scheduled.canary"
                assert str(task["args"]) in {f"('{job_id}',)", f"['{job_id}']"}
                assert task["kwargs"] == "{}"

                workers: dict[str, dict[str, object]] = {}

                def is_known() -> bool:
                    # A worker has a second for each of the questions that this page is made of.
                    workers.update(json.loads(flower.ask("/api/workers?refresh=1").text))
                    return all(
                        {"registered", "conf", "stats"} <= set(told) for told in workers.values()
                    ) and bool(workers)

                assert eventually(is_known)
                ((name, told),) = workers.items()
                assert "scheduled.canary" in str(told["registered"])
                of_worker_page = flower.ask(f"/worker/{quote(name)}")
                assert of_worker_page.status == 200
                assert "worker-shutdown" not in of_worker_page.text

                pages = [flower.ask(path) for path in (*PAGES, f"/task/{task_id}", "/api/queues/length")]
                assert {page.status for page in pages} == {200}
                everything = "\n".join(
                    [*(page.text for page in pages), of_worker_page.text, json.dumps(workers)]
                )
                for secret in (PASSWORD, BROKER_PASSWORD, quote(PASSWORD)):
                    assert secret not in everything
                    assert secret not in flower.log
            finally:
                worker.kill()
