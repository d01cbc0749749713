"""Audio features that are lacking are filled in in the background: the most needed first, and once."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from feature_trials import age_answers, in_catalogue, known, play, store
from ingestions import a_listener, count, ingest
from job_trials import enqueued
from jobs_inline import job_row, queued_jobs, work_off
from makers import a_user
from passing_pace import PaceClock
from passing_time import let_delays_pass
from reccobeats_trials import PATH, asked_of_reccobeats, known_ids
from spotify_insights.audio_features.values import FEATURE_NAMES
from spotify_insights.database.actor import SYSTEM
from spotify_insights.jobs.models import BackgroundJob
from spotify_insights.listening.features import fill
from spotify_insights.listening.features.jobs import FillFeatures
from spotify_insights.pretend_spotify.faults import CannedAnswer, RateLimited, ServerFailure
from spotify_insights.pretend_spotify.running import RunningPretendSpotify
from spotify_insights.runtime import Runtime

A_MONTH = timedelta(days=30)


def filled(runtime: Runtime) -> BackgroundJob:
    """One job, made by whoever wants features, and how it stands after one attempt."""
    job_id = enqueued(runtime.database, FillFeatures())
    work_off(runtime)
    return job_row(runtime.database, job_id)


def result_of(job: BackgroundJob) -> dict[str, Any]:
    assert (job.status, job.error) == ("succeeded", None)
    assert job.result is not None
    return job.result


def asked(pretend_spotify: RunningPretendSpotify) -> list[str]:
    return [track_id for batch in asked_of_reccobeats(pretend_spotify) for track_id in batch]


def test_the_most_needed_are_asked_for_first(
    runtime: Runtime, pretend_spotify: RunningPretendSpotify
) -> None:
    ids = known_ids(6)
    unplayed, older, long_ago, lately, both, newest = ids
    keys = store(runtime.database, ids)
    one, other = a_user(runtime), a_user(runtime)
    play(runtime.database, one, keys[lately], times=3, days_ago=1)
    play(runtime.database, other, keys[lately], times=1, days_ago=27.9)
    play(runtime.database, one, keys[both], times=3, days_ago=2)
    play(runtime.database, other, keys[both], times=2, days_ago=29)
    play(runtime.database, other, keys[long_ago], times=9, days_ago=400)
    play(runtime.database, one, keys[older], times=2, days_ago=28.1)

    assert result_of(filled(runtime)) == {"asked": 6, "found": 6, "stopped": None}

    # Four plays in 28 days, three, none but nine, none but two; then what nobody played, the newest first.
    assert asked(pretend_spotify) == [lately, both, long_ago, older, newest, unplayed]


def test_plays_that_count_nowhere_show_no_need(
    runtime: Runtime, pretend_spotify: RunningPretendSpotify
) -> None:
    first, second = known_ids(2)
    keys = store(runtime.database, [first, second])
    play(runtime.database, a_user(runtime), keys[first], times=5, days_ago=1)
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        tx.session.connection().exec_driver_sql("UPDATE plays SET superseded = true")
    play(runtime.database, a_user(runtime), keys[second], times=1, days_ago=300)

    filled(runtime)

    assert asked(pretend_spotify) == [second, first]


def test_a_job_that_is_interrupted_goes_on_where_it_was(
    runtime: Runtime, pretend_spotify: RunningPretendSpotify
) -> None:
    ids = known_ids(70)
    store(runtime.database, ids)
    # The second of three calls fails.
    pretend_spotify.control.queue(
        CannedAnswer(path=PATH, status=200, body='{"content": []}'), ServerFailure(path=PATH)
    )

    job = filled(runtime)

    assert (job.status, job.attempts) == ("queued", 1)
    assert count(runtime.database, "track_features") == 30
    first = asked_of_reccobeats(pretend_spotify)[0]
    let_delays_pass(runtime.database)
    work_off(runtime)
    assert result_of(job_row(runtime.database, job.id)) == {"asked": 40, "found": 40, "stopped": None}
    later = [track_id for batch in asked_of_reccobeats(pretend_spotify)[2:] for track_id in batch]
    assert sorted([*first, *later]) == sorted(ids)


def test_what_it_does_not_know_is_asked_again_after_a_month_and_not_before(
    runtime: Runtime, pretend_spotify: RunningPretendSpotify
) -> None:
    ids = known_ids(5)
    store(runtime.database, [*ids, "0" * 22])
    pretend_spotify.control.change(tracks_without_features=ids[:2])
    assert result_of(filled(runtime)) == {"asked": 6, "found": 3, "stopped": None}

    age_answers(runtime.database, A_MONTH - timedelta(minutes=1))
    assert result_of(filled(runtime))["asked"] == 0
    age_answers(runtime.database, timedelta(minutes=1))
    pretend_spotify.control.change(tracks_without_features=[])
    assert result_of(filled(runtime)) == {"asked": 3, "found": 2, "stopped": None}

    # What is known stays known, however old.
    age_answers(runtime.database, timedelta(days=400))
    assert result_of(filled(runtime)) == {"asked": 1, "found": 0, "stopped": None}
    assert known(runtime.database, ids).found.keys() == set(ids)


def test_a_pause_that_it_asks_for_is_waited_out_without_using_up_an_attempt(
    runtime: Runtime, pretend_spotify: RunningPretendSpotify, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = PaceClock.kept_by(monkeypatch)
    store(runtime.database, known_ids(3))
    pretend_spotify.control.queue(RateLimited(path=PATH, retry_after=3600))

    job = filled(runtime)

    assert (job.status, job.attempts, job.error_code) == ("queued", 0, "audio_features_rate_limited")
    # Whoever wants features meanwhile waits with it.
    assert enqueued(runtime.database, FillFeatures()) == job.id
    let_delays_pass(runtime.database)
    clock.now += 3600
    work_off(runtime)
    assert result_of(job_row(runtime.database, job.id))["found"] == 3


def test_a_refusal_of_one_call_stops_nothing(
    runtime: Runtime, pretend_spotify: RunningPretendSpotify
) -> None:
    ids = known_ids(40)
    store(runtime.database, ids)
    pretend_spotify.control.queue(CannedAnswer(path=PATH, status=400))

    assert result_of(filled(runtime)) == {"asked": 40, "found": 40, "stopped": None}
    assert [len(asked) for asked in asked_of_reccobeats(pretend_spotify)] == [30, 15, 15, 10]


@pytest.mark.parametrize(
    ("fault", "attempts"),
    [(ServerFailure(path=PATH, times=9), 3), (CannedAnswer(path=PATH, status=403, times=9), 1)],
    ids=["away", "refusing"],
)
def test_a_provider_that_stays_away_is_no_alarm(
    runtime: Runtime,
    pretend_spotify: RunningPretendSpotify,
    fault: ServerFailure | CannedAnswer,
    attempts: int,
) -> None:
    store(runtime.database, known_ids(3))
    pretend_spotify.control.queue(fault)

    job = filled(runtime)
    for _ in range(attempts - 1):
        assert job_row(runtime.database, job.id).status == "queued"
        let_delays_pass(runtime.database)
        work_off(runtime)

    result = result_of(job_row(runtime.database, job.id))
    assert (result["asked"], result["found"]) == (0, 0)
    assert "ReccoBeats" in result["stopped"]
    assert count(runtime.database, "track_features") == 0
    assert len(asked_of_reccobeats(pretend_spotify)) == attempts


def test_a_long_list_is_asked_for_by_one_job_after_the_other(
    runtime: Runtime, pretend_spotify: RunningPretendSpotify, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fill, "TRACKS_PER_JOB", 30)
    ids = known_ids(65)
    store(runtime.database, ids)

    job = filled(runtime)

    assert result_of(job) == {"asked": 30, "found": 30, "stopped": None}
    assert queued_jobs(runtime.database) == []
    assert sorted(asked(pretend_spotify)) == sorted(ids)
    assert count(runtime.database, "background_jobs", "task_name = 'listening.fill_features'") == 3


def test_there_is_one_at_a_time(runtime: Runtime) -> None:
    assert enqueued(runtime.database, FillFeatures()) == enqueued(runtime.database, FillFeatures())


def test_what_the_catalogue_knows_is_not_asked_for(
    runtime: Runtime, pretend_spotify: RunningPretendSpotify
) -> None:
    whole, partly, unknown = known_ids(3)
    store(runtime.database, [whole, partly, unknown])
    in_catalogue(
        runtime.database,
        {
            whole: dict.fromkeys(FEATURE_NAMES[:7], 0.25) | {"tempo": 128.0, "loudness": -8.0},
            partly: {"valence": 0.125, "energy": 0.75},
        },
    )

    filled(runtime)

    assert sorted(asked(pretend_spotify)) == sorted([partly, unknown])
    found = known(runtime.database, [whole, partly, unknown]).found
    assert set(found[whole].providers.values()) == {"catalogue"}
    # Each feature by itself: what the catalogue says counts, and the rest comes from the next.
    assert (found[partly].features.valence, found[partly].features.energy) == (0.125, 0.75)
    assert found[partly].providers == dict.fromkeys(FEATURE_NAMES, "reccobeats") | {
        "valence": "catalogue",
        "energy": "catalogue",
    }
    assert found[unknown].providers == dict.fromkeys(FEATURE_NAMES, "reccobeats")


def test_tracks_without_an_id_of_spotify_are_left_alone(
    runtime: Runtime, pretend_spotify: RunningPretendSpotify
) -> None:
    store(runtime.database, ["local:a song of mine", *known_ids(1)])

    assert result_of(filled(runtime))["asked"] == 1
    assert asked(pretend_spotify) == known_ids(1)


def test_an_ingestion_lets_features_be_filled_in(
    runtime: Runtime, pretend_spotify: RunningPretendSpotify
) -> None:
    user_id: UUID = a_listener(runtime)

    ingest(runtime, user_id)

    unknown = count(runtime.database, "tracks") - count(runtime.database, "track_features", "found")
    assert unknown == 0
    assert len(set(asked(pretend_spotify))) == count(runtime.database, "tracks") > 50


def test_switched_off_nobody_is_asked(runtime: Runtime, pretend_spotify: RunningPretendSpotify) -> None:
    off = replace(runtime, reccobeats=None)
    ingest(off, a_listener(off))
    assert count(runtime.database, "background_jobs", "task_name = 'listening.fill_features'") == 0

    job_id = enqueued(off.database, FillFeatures())
    work_off(off)

    assert result_of(job_row(off.database, job_id))["asked"] == 0
    assert asked(pretend_spotify) == []
