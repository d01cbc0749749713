"""The state of the installation and of this process, for Prometheus."""

import itertools
import json
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final

from fastapi import APIRouter, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import REGISTRY, Metric, disable_created_metrics
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector
from typing_extensions import override

from spotify_insights.access.principal import Principal
from spotify_insights.access.scopes import Scope
from spotify_insights.accounts.figures import account_figures
from spotify_insights.database.actor import SYSTEM
from spotify_insights.jobs.job import JobStatus, Queue
from spotify_insights.jobs.upkeep.figures import job_figures
from spotify_insights.listening.figures import listening_figures
from spotify_insights.web.authorization import caller
from spotify_insights.web.dependencies import HotReadsDep, RuntimeDep, TaskWatchDep
from spotify_insights.web.problems import problem_responses

router = APIRouter(tags=["Health"])
_PREFIX: Final = "spotify_insights_"
# The moment in which each counter began would double the answer and is asked for by nobody.
disable_created_metrics()  # type: ignore[no-untyped-call]  # the library gives it no types

_EXAMPLE: Final = """\
# HELP spotify_insights_jobs Jobs by queue and status.
# TYPE spotify_insights_jobs gauge
spotify_insights_jobs{queue="spotify",status="queued"} 3.0
"""


@router.get(
    "/metrics",
    response_class=PlainTextResponse,
    responses={
        200: {
            "description": "Metrics in Prometheus' text format, version 0.0.4.",
            "content": {"text/plain": {"schema": {"type": "string"}, "example": _EXAMPLE}},
        },
        **problem_responses(),
    },
)
async def read_metrics(
    reads: HotReadsDep,
    runtime: RuntimeDep,
    watch: TaskWatchDep,
    _principal: Annotated[Principal, caller(Scope.METRICS)],
) -> Response:
    """The state of the queues and of Spotify, which every process shows alike, and of this process."""
    settings = runtime.settings
    [[jobs]] = await reads.rows(job_figures(), acting_for=SYSTEM)
    [[accounts]] = await reads.rows(account_figures(settings.spotify_client_id), acting_for=SYSTEM)
    [[listening]] = await reads.rows(listening_figures(), acting_for=SYSTEM)
    shown = _Shown(
        json.loads(jobs),
        json.loads(accounts),
        json.loads(listening),
        calls_per_day=settings.spotify_calls_per_day,
        listeners=watch.listeners,
    )
    text = generate_latest(shown)
    return Response(text, headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4})


class _Shown(Collector):
    """What the database says, and after it what this process has counted."""

    def __init__(
        self,
        jobs: Mapping[str, Any],
        accounts: Mapping[str, Any],
        listening: Mapping[str, Any],
        *,
        calls_per_day: int,
        listeners: int,
    ) -> None:
        self._jobs = jobs
        self._accounts = accounts
        self._listening = listening
        self._calls_per_day = calls_per_day
        self._listeners = listeners

    @override
    def collect(self) -> Iterator[Metric]:
        yield from self._of_jobs()
        yield from self._of_accounts()
        yield from self._of_listening()
        yield _single("event_listeners", self._listeners, "Clients that follow a task at this process.")
        yield from REGISTRY.collect()

    def _of_jobs(self) -> Iterator[Metric]:
        figures = self._jobs
        jobs = _gauge(
            "jobs",
            "Jobs by queue and status; those that succeeded or were cancelled, of the last hour.",
            "queue",
            "status",
        )
        counted = {(entry["queue"], entry["status"]): entry["count"] for entry in figures["jobs"]}
        # A series that appears with its first job would hide that job from every rate and increase.
        for queue, status in itertools.product(Queue, JobStatus):
            jobs.add_metric([queue, status], counted.get((queue, status), 0))
        yield jobs
        oldest = _gauge(
            "oldest_due_job_seconds", "How long the oldest due job waits for a worker; 0 where none.", "queue"
        )
        for queue, seconds in figures["oldest_due_seconds"].items():
            oldest.add_metric([queue], seconds or 0)
        yield oldest
        # A queue without a canary has no age: zero would praise the worst case.
        canary = _gauge("canary_age_seconds", "How long ago a worker ran the queue's canary job.", "queue")
        for queue, seconds in figures["canary_seconds"].items():
            if seconds is not None:
                canary.add_metric([queue], seconds)
        yield canary
        alerts = _gauge("open_alerts", "Alerts that are not over.", "kind", "subject", "severity")
        for alert in figures["open_alerts"]:
            alerts.add_metric([alert["kind"], alert["subject"], alert["severity"]], 1)
        yield alerts
        for name, value, meaning in (
            ("dead_jobs", figures["dead"], "Jobs that used up their attempts and wait for an operator."),
            ("failed_jobs", figures["failed"], "Jobs that failed for a reason that waiting does not mend."),
            (
                "relay_lag_seconds",
                figures["relay_lag_seconds"],
                "How long the oldest due job waits for a relay.",
            ),
        ):
            yield _single(name, value, meaning)

    def _of_accounts(self) -> Iterator[Metric]:
        figures = self._accounts
        for name, value, meaning in (
            ("spotify_calls_today", figures["calls_today"], "Calls to Spotify reserved today (UTC)."),
            ("spotify_calls_per_day", self._calls_per_day, "Calls to Spotify that a day (UTC) allows."),
            (
                "spotify_paused_seconds",
                figures["paused_seconds"],
                "For how long Spotify still refuses the app; 0 where it does not.",
            ),
        ):
            yield _single(name, value, meaning)
        connections = _gauge("spotify_connections", "Listeners' connections to Spotify by status.", "status")
        for status, count in figures["connections"].items():
            connections.add_metric([status], count)
        yield connections
        # Without a connection there is nothing to renew: no sample, rather than one that says now.
        soonest = _gauge(
            "spotify_reauthorization_days", "Days until the first listener has to connect Spotify again."
        )
        if figures["reauthorization_days"] is not None:
            soonest.add_metric([], figures["reauthorization_days"])
        yield soonest

    def _of_listening(self) -> Iterator[Metric]:
        figures = self._listening
        yield _single(
            "listening_gaps",
            figures["gaps"],
            "Times in which more was played than Spotify told, and that no import has filled.",
        )
        yield _single("listeners_with_gaps", figures["listeners_with_gaps"], "Listeners who have one.")


def _single(name: str, value: float, meaning: str) -> Metric:
    gauge = _gauge(name, meaning)
    gauge.add_metric([], value)
    return gauge


def _gauge(name: str, meaning: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(_PREFIX + name, meaning, labels=labels)
