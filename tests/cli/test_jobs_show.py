"""`jobs show`: everything about one job; and which job is meant by a part of an id."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from job_trials import WriteNote, WritePersonalNote, claimed, enqueued, expire_lease, set_from_now
from makers import a_user
from operator_trials import Operator, end_of, jobs_in_all_states
from spotify_insights.cli.jobs.choosing import choose_job
from spotify_insights.database.actor import SYSTEM
from spotify_insights.database.database import Database
from spotify_insights.errors import InvalidInputError
from spotify_insights.jobs.claim import claim
from spotify_insights.jobs.enqueue import enqueue
from spotify_insights.jobs.job import JobStatus
from spotify_insights.runtime import Runtime


def test_a_running_job_shows_who_has_it_how_far_it_is_and_what_it_queued(
    operator: Operator, database: Database, runtime: Runtime
) -> None:
    listener = a_user(runtime)
    job_id = enqueued(database, WritePersonalNote(user_id=listener, about="rain"))
    attempt = claim(database, job_id, WritePersonalNote, worker="spotify@here:7:abc")
    assert attempt is not None
    attempt.progress("second verse", done=1, total=4)
    with database.transaction(acting_for=SYSTEM) as tx:
        children = [enqueue(tx, WriteNote(about=str(number)), parent_id=job_id) for number in range(3)]
    claimed(database, children[0]).end(JobStatus.DEAD, error="No.", error_code="no")

    shown = operator.type("jobs", "show", end_of(job_id))

    assert shown.code == 0
    for words in (
        str(job_id),
        "spotify.write_personal_note",
        f"listener    {listener}",
        "status      running",
        "attempts    1 of 3",
        "worker      spotify@here:7:abc",
        "lease       runs out in ",
        "1/4 second verse",
        "children    2 queued, 1 dead (of 3)",
        '"about": "rain"',
        f"spotify-insights jobs cancel {end_of(job_id)}",
    ):
        assert words in shown.out
    assert str(attempt.lease_token) not in shown.out
    whole = operator.type("jobs", "show", "--json", str(job_id)).document
    assert whole["children"] == {"queued": 2, "dead": 1}
    assert f"part of    {job_id}" in operator.type("jobs", "show", str(children[1])).out


def test_a_job_that_ended_shows_why_and_how_to_queue_it_again(operator: Operator, database: Database) -> None:
    jobs = jobs_in_all_states(database)
    dead = operator.type("jobs", "show", str(jobs["dead"])).out
    for words in (
        "status      dead",
        "ink_frozen",
        "The ink is frozen.",
        "took ",
        f"retry {end_of(jobs['dead'])}",
    ):
        assert words in dead
    succeeded = operator.type("jobs", "show", str(jobs["succeeded"])).out
    assert '{"lines": 3}' in succeeded
    assert "jobs retry" not in succeeded


def test_a_queued_job_shows_when_it_runs_and_whether_workers_were_told(
    operator: Operator, database: Database
) -> None:
    job_id = enqueued(database, WriteNote())
    assert "sent       not yet" in operator.type("jobs", "show", str(job_id)).out
    set_from_now(
        database, job_id, available_at=timedelta(minutes=7, seconds=30), published_at=-timedelta(seconds=9)
    )
    shown = operator.type("jobs", "show", str(job_id)).out
    assert "(in 7 min)" in shown
    assert "to the workers, last 9 s ago" in shown


def test_a_lease_that_ran_out_is_told(operator: Operator, database: Database) -> None:
    job_id = enqueued(database, WriteNote())
    claimed(database, job_id)
    expire_lease(database, job_id)
    assert "another attempt takes over" in operator.type("jobs", "show", str(job_id)).out


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_part_that_one_id_alone_has_is_enough(database: Database, data: st.DataObject) -> None:
    with database.transaction(acting_for=SYSTEM) as tx:
        ids = [str(enqueue(tx, WriteNote(about=str(number)))) for number in range(5)]
        meant = data.draw(st.sampled_from(ids))
        form = data.draw(st.sampled_from([meant, meant.replace("-", "")]))
        begin = data.draw(st.integers(0, len(form) - 4))
        part = form[begin : data.draw(st.integers(begin + 4, len(form)))]
        having = [one for one in ids if part in one or part in one.replace("-", "")]
        ending = [one for one in having if one.endswith(part)]
        if len(having) == 1 or len(ending) == 1:
            assert str(choose_job(tx.session, part.upper()).id) == (ending if len(ending) == 1 else having)[0]
        else:
            with pytest.raises(InvalidInputError, match="Several jobs"):
                choose_job(tx.session, part)


def test_the_end_of_an_id_comes_before_the_middle_of_another(database: Database) -> None:
    shown, other = enqueued(database, WriteNote(about="a")), enqueued(database, WriteNote(about="b"))
    move = text("UPDATE background_jobs SET id = CAST(:new AS uuid) WHERE id = :old")
    with database.transaction(acting_for=SYSTEM) as tx:
        tx.session.execute(move, {"old": other, "new": f"{end_of(shown)}{str(other)[8:]}"})
        assert choose_job(tx.session, end_of(shown)).id == shown


def test_a_part_of_several_ids_is_answered_with_longer_ends_to_choose_from(
    operator: Operator, database: Database
) -> None:
    jobs = [enqueued(database, WriteNote(about=str(number))) for number in range(2)]
    # Both were made within the same seconds, so their beginnings are equal.
    refused = operator.type("jobs", "show", str(jobs[0])[:8])
    assert refused.code == 1
    assert refused.err.count("\n") == 1
    for job_id in jobs:
        assert str(job_id)[-12:] in refused.err


@pytest.mark.parametrize("typed", ["abc", "", "nonsense", "%%%%", "'; DROP TABLE background_jobs", "0" * 40])
def test_what_is_no_id_is_a_sentence(operator: Operator, typed: str) -> None:
    refused = operator.type("jobs", "show", typed)
    assert (refused.code, refused.out) == (1, "")
    assert "is no job id" in refused.err
    assert refused.err.count("\n") == 1


@pytest.mark.parametrize("typed", ["0d9c1a34-5c0e-4b57-9f3a-1f2e3d4c5b6a", "ffff-ffff"])
def test_an_unknown_job_is_a_sentence(operator: Operator, typed: str) -> None:
    refused = operator.type("jobs", "show", typed)
    assert (refused.code, refused.out) == (1, "")
    assert refused.err.startswith("There is no job")
