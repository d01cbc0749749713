"""From what was seen to what an operator is told: nothing below a threshold, something at it."""

import re
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.core import TyperGroup
from typer.main import get_command

from spotify_insights.cli.main import app
from spotify_insights.jobs.upkeep.findings import (
    AlertKind,
    Ended,
    Finding,
    Observation,
    Severity,
    conclude,
    duration,
)
from spotify_insights.jobs.upkeep.thresholds import Thresholds

TASK = "spotify.ingest_listening_data"
THRESHOLDS = Thresholds(
    failure_percent=25,
    failure_window=timedelta(minutes=60),
    failure_minimum_jobs=8,
    dead_window=timedelta(days=7),
    waiting=timedelta(minutes=10),
    silent=timedelta(minutes=5),
)
JUST_LESS = timedelta(milliseconds=1)


def failing(failed: int, *, of: int) -> list[Finding]:
    reasons = {"spotify_down": failed} if failed else {}
    return list(conclude(Observation(ended={TASK: Ended(of, reasons)}), THRESHOLDS))


@pytest.mark.parametrize(("failed", "of"), [(2, 8), (8, 8), (25, 100), (1_000, 4_000)])
def test_a_failure_rate_at_its_threshold_is_an_alert(failed: int, of: int) -> None:
    [finding] = failing(failed, of=of)
    assert (finding.kind, finding.subject) == (AlertKind.FAILURE_RATE, TASK)
    assert finding.details == {"failed": failed, "ended": of, "reasons": {"spotify_down": failed}}


@pytest.mark.parametrize(
    ("failed", "of"),
    [(1, 1), (7, 7), (1, 8), (24, 100), (999, 4_000), (0, 8)],
    ids=["one of one", "too few jobs", "below", "just below", "just below of many", "none"],
)
def test_a_failure_rate_below_its_threshold_or_of_too_few_jobs_is_none(failed: int, of: int) -> None:
    assert failing(failed, of=of) == []


@given(failed=st.integers(0, 300), succeeded=st.integers(0, 300), percent=st.integers(1, 100))
def test_more_failures_never_end_an_alert(failed: int, succeeded: int, percent: int) -> None:
    thresholds = Thresholds(failure_percent=percent)

    def alerts(failures: int) -> int:
        seen = {TASK: Ended(failures + succeeded, {"x": failures})}
        return len(conclude(Observation(ended=seen), thresholds))

    assert alerts(failed) <= alerts(failed + 1)


def test_one_dead_job_is_an_alert_about_its_task() -> None:
    [finding] = conclude(Observation(died={TASK: Ended(1, {"lease_expired": 1})}), THRESHOLDS)
    assert (finding.kind, finding.subject, finding.severity) == (
        AlertKind.DEAD_JOBS,
        TASK,
        Severity.WARNING,
    )
    assert finding.message.startswith(f"1 job of {TASK} died within 7 days, all with lease_expired.")


def test_the_commonest_reason_stands_in_the_sentence_and_all_of_them_in_the_details() -> None:
    [finding] = conclude(Observation(died={TASK: Ended(6, {"expired": 2, "unforeseen": 4})}), THRESHOLDS)
    assert "6 jobs" in finding.message
    assert "mostly with unforeseen" in finding.message
    assert finding.details == {"dead": 6, "reasons": {"expired": 2, "unforeseen": 4}}


def test_a_queue_is_waiting_from_its_threshold_on() -> None:
    at, below = THRESHOLDS.waiting, THRESHOLDS.waiting - JUST_LESS
    [finding] = conclude(Observation(waiting={"insights": at, "spotify": below}), THRESHOLDS)
    assert (finding.kind, finding.subject) == (AlertKind.QUEUE_WAITING, "insights")
    assert finding.message.startswith(
        "Queue insights has had a job waiting for 10 minutes. "
        "Look whether its worker runs: spotify-insights worker insights."
    )


def test_a_queue_is_silent_from_its_threshold_on() -> None:
    at, below = THRESHOLDS.silent, THRESHOLDS.silent - JUST_LESS
    [finding] = conclude(Observation(canary_waiting={"insights": at, "spotify": below}), THRESHOLDS)
    assert (finding.kind, finding.subject, finding.severity) == (
        AlertKind.QUEUE_SILENT,
        "insights",
        Severity.CRITICAL,
    )
    assert "canary has waited for 5 minutes" in finding.message
    assert "spotify-insights worker insights" in finding.message


def test_a_queue_that_ends_other_jobs_is_busy_and_not_silent() -> None:
    busy = Observation(canary_waiting={"spotify": timedelta(hours=1)}, working=frozenset({"spotify"}))
    assert conclude(busy, THRESHOLDS) == []


def test_every_command_in_a_sentence_is_one_that_can_be_typed() -> None:
    bad = Observation(
        ended={TASK: Ended(10, {"broken": 10})},
        died={TASK: Ended(1, {"broken": 1})},
        waiting={"spotify": timedelta(days=1)},
        canary_waiting={"insights": timedelta(days=1)},
    )
    findings = conclude(bad, THRESHOLDS)
    assert {finding.kind for finding in findings} == set(AlertKind)
    for finding in findings:
        commands = re.findall(r"spotify-insights ([^:;,]+?)\.(?: |$)", finding.message)
        assert commands, finding.message
        for command in commands:
            assert_can_be_typed(command.split())


def assert_can_be_typed(arguments: list[str]) -> None:
    command = get_command(app)
    while isinstance(command, TyperGroup):
        command = command.commands[arguments.pop(0)]
    # Parses, and complains about what it does not know, without running anything.
    command.make_context("spotify-insights", arguments)


def test_a_healthy_service_is_no_finding() -> None:
    assert conclude(Observation(ended={TASK: Ended(100, {})}), THRESHOLDS) == []


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 seconds"),
        (1, "1 second"),
        (59.9, "59 seconds"),
        (60, "1 minute"),
        (90, "90 seconds"),
        (119, "119 seconds"),
        (120, "2 minutes"),
        (3600, "1 hour"),
        (5400, "90 minutes"),
        (7200, "2 hours"),
        (86_400, "1 day"),
        (172_800, "2 days"),
    ],
)
def test_a_duration_in_words(seconds: float, words: str) -> None:
    assert duration(timedelta(seconds=seconds)) == words
