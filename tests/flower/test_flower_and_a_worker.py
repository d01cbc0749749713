"""What Flower shows of a real worker: the ids of its jobs, and no secret."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from canaries import known_canaries
from conftest import Servers
from flower_trials import BROKER_PASSWORD, PAGES, PASSWORD, environment, running_flower
from job_trials import enqueued
from jobs_inline import job_row
from server_trials import eventually
from spotify_insights.database.database import Database
from spotify_insights.embedded.binaries import find_valkey
from spotify_insights.jobs.celery_app import create_celery
from spotify_insights.jobs.job import JobStatus
from spotify_insights.jobs.relay.publisher import CeleryPublisher, DueJob
from spotify_insights.jobs.upkeep.canary import ScheduledCanary


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
                # Every secret that this process has seen or made, the key ring's included.
                assert known_canaries().found_in(everything) == []
            finally:
                worker.kill()
