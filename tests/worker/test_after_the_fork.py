"""What pool processes have, they made themselves: nothing that breaks when it is shared exists before."""

import json
import os
import signal

import psycopg

from job_trials import Notes, enqueued
from jobs_inline import job_row
from server_trials import eventually
from spotify_insights.database.database import Database
from worker_trials import Act, Stage, running_relay

_BACKENDS = """
    SELECT application_name, count(*) FROM pg_stat_activity
     WHERE datname = current_database() AND application_name LIKE 'spotify-insights worker%'
     GROUP BY application_name
"""


def backends(database: Database) -> dict[str, int]:
    """How many connections the processes of workers have, by the names they give."""
    with psycopg.connect(database.url) as connection:
        return dict(connection.execute(_BACKENDS).fetchall())


def test_at_every_fork_the_main_process_has_one_thread_and_no_connection_to_the_database(
    stage: Stage, database: Database, notes: Notes
) -> None:
    with stage.worker(concurrency=2) as worker, running_relay(database, stage.settings):
        jobs = [enqueued(database, Act(name=name, deeds=("hold", "work"))) for name in ("one", "two")]
        pids = {stage.begins(name).pid for name in ("one", "two")}
        assert pids == {process.pid for process in worker.pool}
        # Each has its own connection, and another for its heartbeat once that has been needed.
        assert eventually(lambda: backends(database).get("spotify-insights worker", 0) >= 2, within=5)
        assert "spotify-insights worker main" not in backends(database)

        # Those that are forked in place of the dead come from a main process that has talked to the database.
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        assert eventually(lambda: all(notes.on(job_id) for job_id in jobs), within=10), worker.log
        assert all(job_row(database, job_id).attempts == 2 for job_id in jobs)
        assert eventually(lambda: "spotify-insights worker main" not in backends(database), within=5)

    # Else each collection would copy what they share, and with it most of their memory.
    assert min(beginning.shared_objects for beginning in stage.begun) > 50_000
    forks = [json.loads(line) for line in (stage.folder / "forks").read_text().splitlines()]
    assert len(forks) >= 4
    assert {(fork["threads"], fork["connections"]) for fork in forks} == {(1, 0)}
