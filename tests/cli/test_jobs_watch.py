"""`jobs watch`: following one job or all of them, at a terminal and without, also through a lost database."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from psycopg import sql

from conftest import Servers
from fresh_database import fresh_database
from job_trials import WriteNote, claimed, enqueued
from operator_trials import Operator, end_of, jobs_in_all_states, next_line
from spotify_insights.database.database import Database
from spotify_insights.database.upgrade import upgrade_database
from spotify_insights.jobs.job import JobStatus


def test_one_job_is_followed_from_its_queue_to_its_success(operator: Operator, database: Database) -> None:
    job_id = enqueued(database, WriteNote())
    with operator.start("jobs", "watch", end_of(job_id)) as watching:
        next_line(watching, f"{end_of(job_id)} scheduled.write_note: queued")
        attempt = claimed(database, job_id)
        attempt.progress("second verse", done=1, total=4)
        next_line(watching, "running, attempt 1 of 3, 1/4 second verse")
        attempt.progress("third verse", done=2, total=4)
        next_line(watching, "2/4 third verse")
        with attempt.completion():
            pass
        next_line(watching, "succeeded")
        assert watching.wait(timeout=30) == 0


@pytest.mark.parametrize("state", ["failed", "dead", "cancelled"])
def test_a_job_that_ended_without_success_is_an_exit_code(
    operator: Operator, database: Database, state: str
) -> None:
    watched = operator.type("jobs", "watch", str(jobs_in_all_states(database)[state]))
    assert watched.code == 1
    assert state in watched.out


def test_a_job_that_has_succeeded_ends_the_watch_at_once(operator: Operator, database: Database) -> None:
    watched = operator.type("jobs", "watch", str(jobs_in_all_states(database)["succeeded"]))
    assert (watched.code, watched.err) == (0, "")


def test_watching_a_job_that_is_not_there_is_a_sentence(operator: Operator) -> None:
    watched = operator.type("jobs", "watch", "abcd1234")
    assert watched.code == 1
    assert watched.err.startswith("There is no job")


def test_without_a_terminal_each_change_is_a_line(operator: Operator, database: Database) -> None:
    with operator.start("jobs", "watch") as watching:
        next_line(watching, "queue scheduled: 0 queued, 0 running, 0 dead")
        job_id = enqueued(database, WriteNote())
        next_line(watching, "queue scheduled: 1 queued")
        attempt = claimed(database, job_id)
        next_line(watching, f"{end_of(job_id)} scheduled.write_note: running, attempt 1 of 3")
        attempt.end(JobStatus.DEAD, error="The ink is frozen.", error_code="ink_frozen")
        line = next_line(watching, f"{end_of(job_id)} scheduled.write_note: dead")
        assert "ink_frozen: The ink is frozen." in line
        next_line(watching, "queue scheduled: 0 queued, 0 running, 1 dead")
        watching.send_signal(signal.SIGINT)
        said, complained = watching.communicate(timeout=30)
        assert (watching.returncode, said, complained) == (0, "", "")


@pytest.mark.slow
def test_it_ends_when_nobody_reads_any_more(operator: Operator, database: Database) -> None:
    with operator.start("jobs", "watch") as watching:
        next_line(watching, "queue scheduled")
        assert watching.stdout is not None
        assert watching.stderr is not None
        watching.stdout.close()
        enqueued(database, WriteNote())
        assert watching.wait(timeout=30) == 1
        assert watching.stderr.read() == ""


def test_at_a_terminal_everything_is_on_one_picture_until_ctrl_c(
    operator: Operator, database: Database
) -> None:
    jobs = jobs_in_all_states(database)
    with operator.at_terminal("jobs", "watch", columns=120) as terminal:
        terminal.read_until("Ctrl-C ends this view.")
        picture = terminal.text
        (queue,) = (line.split() for line in picture.splitlines() if line.startswith("scheduled "))
        # Queued, the age of the oldest, running, dead, ended in the last hour.
        assert (queue[1], queue[3:]) == ("1", ["s", "1", "1", "4"])
        (running,) = (line for line in picture.splitlines() if end_of(jobs["running"]) in line)
        assert "█" in running
        assert "1/4 second verse" in running
        for state in ("succeeded", "failed", "dead", "cancelled"):
            assert end_of(jobs[state]) in picture
        # What happens now is on the picture a moment later.
        late = enqueued(database, WriteNote(about="late"))
        claimed(database, late)
        terminal.read_until(end_of(late))
        terminal.press_ctrl_c()
        assert terminal.read_to_end() == 0
    assert terminal.raw.rindex("\x1b[?25h") > terminal.raw.rindex("\x1b[?25l")  # the cursor is back
    assert "Traceback" not in terminal.raw


@pytest.mark.slow
def test_one_job_at_a_terminal_is_a_panel_and_ctrl_c_is_no_success(
    operator: Operator, database: Database
) -> None:
    job_id = enqueued(database, WriteNote())
    with operator.at_terminal("jobs", "watch", end_of(job_id), columns=100) as terminal:
        terminal.read_until("Ctrl-C ends this view.")
        assert f"id         {job_id}" in terminal.text
        terminal.press_ctrl_c()
        assert terminal.read_to_end() == 130


@pytest.mark.slow
def test_a_lost_database_is_told_once_and_waited_for(operator: Operator, migrated: Servers) -> None:
    with fresh_database(migrated.database_url) as url:
        upgrade_database(url)
        database = Database(url, pool_size=1)
        job_id = enqueued(database, WriteNote())
        database.close()
        operator.patch.setenv("DATABASE_URL", url)
        with operator.start("jobs", "watch", end_of(job_id)) as watching:
            next_line(watching, "queued")
            with closed_to_all(migrated.database_url, url):
                next_line(watching, "The database does not answer. Trying again.")
            next_line(watching, "It answers again.")
            with claimed(database, job_id).completion():
                pass
            next_line(watching, "succeeded")
            assert watching.wait(timeout=30) == 0
        database.close()


@contextmanager
def closed_to_all(server_url: str, url: str) -> Iterator[None]:
    """A database that ends every connection and takes no new one."""
    name = psycopg.conninfo.conninfo_to_dict(url)["dbname"]
    allow = sql.SQL("ALTER DATABASE {} WITH ALLOW_CONNECTIONS {}")
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(allow.format(sql.Identifier(str(name)), sql.SQL("false")))
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
        )
        yield
        connection.execute(allow.format(sql.Identifier(str(name)), sql.SQL("true")))
