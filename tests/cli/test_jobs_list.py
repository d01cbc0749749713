"""`jobs list`: what an operator sees of many jobs."""

import re
from datetime import datetime, timedelta

import pytest

from job_trials import WriteNote, WritePersonalNote, claimed, enqueued, present, set_from_now
from makers import a_user
from operator_trials import Operator, end_of, jobs_in_all_states
from spotify_insights.cli.jobs.commands import QueueName, Status
from spotify_insights.database.actor import SYSTEM
from spotify_insights.database.database import Database
from spotify_insights.jobs.enqueue import enqueue, record_finished
from spotify_insights.jobs.job import JobStatus, Queue
from spotify_insights.jobs.upkeep.canary import SpotifyCanary
from spotify_insights.runtime import Runtime


def test_each_job_is_a_line_with_its_state_in_words_the_newest_first(
    operator: Operator, database: Database
) -> None:
    jobs = jobs_in_all_states(database)

    listed = operator.type("jobs", "list")

    assert listed.code == 0
    assert [line.split()[0] for line in listed.lines[1:]] == [
        end_of(job) for job in reversed(list(jobs.values()))
    ]
    for state, job_id in jobs.items():
        line = listed.line_with(end_of(job_id))
        assert "scheduled.write_note" in line
        assert re.search(rf" {state} ", line)
    assert " 0/3 " in listed.line_with(end_of(jobs["queued"]))
    assert " 1/3 " in listed.line_with(end_of(jobs["dead"]))
    for state, run in {
        "queued": "due now",
        "running": "for ",
        "dead": "took ",
        "cancelled": "never ran",
    }.items():
        assert run in listed.line_with(end_of(jobs[state]))
    assert listed.line_with(end_of(jobs["dead"])).endswith("ink_frozen: The ink is frozen.")
    assert listed.line_with(end_of(jobs["failed"])).endswith("no_subject: There is nothing to write about.")


@pytest.mark.parametrize(
    ("ago", "words"),
    [
        (timedelta(seconds=12), "12 s ago"),
        (timedelta(minutes=3, seconds=5), "3 min ago"),
        (timedelta(hours=5, minutes=59), "5 h ago"),
        (timedelta(days=6, hours=1), "6 days ago"),
    ],
)
def test_how_long_ago_is_told_by_the_clock_of_the_database(
    operator: Operator, database: Database, ago: timedelta, words: str
) -> None:
    job_id = enqueued(database, WriteNote())
    set_from_now(database, job_id, queued_at=-ago)
    assert words in operator.type("jobs", "list").line_with(end_of(job_id))


def test_a_job_that_waits_says_when_it_runs_and_why_it_has_to_again(
    operator: Operator, database: Database
) -> None:
    job_id = enqueued(database, WriteNote())
    attempt = claimed(database, job_id)
    attempt.again(
        wait=timedelta(minutes=10, seconds=30),
        error="No ink came.",
        error_code="ink_late",
        consumes_attempt=True,
    )
    line = operator.type("jobs", "list").line_with(end_of(job_id))
    assert " queued " in line
    assert " 1/3 " in line
    assert " in 10 min " in line
    assert line.endswith("ink_late: No ink came.")


def test_each_filter_leaves_out_the_others(operator: Operator, database: Database, runtime: Runtime) -> None:
    robin, kim = a_user(runtime), a_user(runtime)
    note = enqueued(database, WriteNote())
    for_robin = enqueued(database, WritePersonalNote(user_id=robin))
    for_kim = enqueued(database, WritePersonalNote(user_id=kim))
    claimed(database, for_kim, WritePersonalNote).end(JobStatus.DEAD, error="No.", error_code="no")

    def listed(*options: str) -> set[str]:
        return {job["id"] for job in operator.type("jobs", "list", "--json", *options).document}

    assert listed() == {str(note), str(for_robin), str(for_kim)}
    assert listed("--status", "dead") == {str(for_kim)}
    assert listed("--status", "dead", "--status", "queued") == {str(note), str(for_robin), str(for_kim)}
    assert listed("--queue", "scheduled") == {str(note)}
    assert listed("--task", "spotify.write_personal_note") == {str(for_robin), str(for_kim)}
    assert listed("--user", str(robin)) == {str(for_robin)}
    assert listed("--user", str(kim), "--status", "queued") == set()
    assert listed("--limit", "2") == {str(for_robin), str(for_kim)}


def test_what_programs_get_has_the_whole_job_and_not_its_lease(
    operator: Operator, database: Database
) -> None:
    jobs = jobs_in_all_states(database)
    documents = {job["id"]: job for job in operator.type("jobs", "list", "--json").document}
    running = documents[str(jobs["running"])]
    assert running["progress"] == {"step": "second verse", "done": 1, "total": 4}
    assert running["arguments"] == {"about": "running"}
    assert "lease_token" not in running
    succeeded = documents[str(jobs["succeeded"])]
    assert succeeded["result"] == {"lines": 3}
    assert succeeded["queued_at"].endswith("Z")
    assert datetime.fromisoformat(succeeded["queued_at"]) <= datetime.fromisoformat(succeeded["finished_at"])
    assert datetime.fromisoformat(succeeded["finished_at"]) <= present(database)


def test_nothing_to_list_is_a_sentence_for_people_and_an_empty_list_for_programs(operator: Operator) -> None:
    assert operator.type("jobs", "list").out == "No job is like that.\n"
    assert operator.type("jobs", "list", "--json").document == []


def test_canaries_that_went_well_do_not_crowd_out_the_rest(operator: Operator, database: Database) -> None:
    with database.transaction(acting_for=SYSTEM) as tx:
        well = record_finished(tx, SpotifyCanary(), result={})
        waiting = enqueue(tx, SpotifyCanary())

    def listed(*options: str) -> set[str]:
        return {job["id"] for job in operator.type("jobs", "list", "--json", *options).document}

    assert listed() == {str(waiting)}
    assert listed("--canaries") == listed("--task", "spotify.canary") == {str(waiting), str(well)}


def test_words_of_others_do_not_steer_the_terminal(operator: Operator, database: Database) -> None:
    job_id = enqueued(database, WriteNote())
    claimed(database, job_id).end(
        JobStatus.FAILED,
        error="a \x1b[31mred\x1b[0m \x07bell [bold]bracket[/bold]\nand a line",
        error_code="odd",
    )
    for command in (["jobs", "list"], ["jobs", "show", end_of(job_id)]):
        out = operator.type(*command).out
        assert not {"\x1b", "\x07"} & set(out)
        assert "[bold]bracket[/bold]" in out
    assert len(operator.type("jobs", "list").lines) == 2


def test_at_a_narrow_terminal_lines_fit_and_only_names_and_reasons_are_cut(
    operator: Operator, database: Database
) -> None:
    jobs = jobs_in_all_states(database)
    with operator.at_terminal("jobs", "list", columns=60) as terminal:
        assert terminal.read_to_end() == 0
    lines = terminal.text.splitlines()
    assert max(map(len, lines)) <= 60
    assert "\x1b[" in terminal.raw  # it is coloured
    for state, job_id in jobs.items():
        (line,) = (line for line in lines if end_of(job_id) in line)
        assert re.search(rf" {state} ", line)
        assert re.search(r" \d/3 ", line)
    assert "ink_frozen: The ink is frozen." in terminal.text


def test_states_and_queues_on_the_command_line_are_those_there_are() -> None:
    assert [status.value for status in Status] == [status.value for status in JobStatus]
    assert [queue.value for queue in QueueName] == [queue.value for queue in Queue]


def test_a_state_that_does_not_exist_is_refused_with_those_that_do(operator: Operator) -> None:
    refused = operator.type("jobs", "list", "--status", "tired")
    assert refused.code == 2
    assert "cancelled" in refused.err
