"""The state of the installation and of this process, for Prometheus."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from fastapi import APIRouter, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import REGISTRY, Metric, disable_created_metrics
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector
from typing_extensions import override

from spotify_insights.database.actor import SYSTEM
from spotify_insights.jobs.upkeep.figures import job_figures
from spotify_insights.web.dependencies import HotReadsDep, TaskWatchDep
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
async def read_metrics(reads: HotReadsDep, watch: TaskWatchDep) -> Response:
    """The state of the queues, which every process of an installation shows alike, and of this process."""
    [[figures]] = await reads.rows(job_figures(), acting_for=SYSTEM)
    text = generate_latest(_Shown(json.loads(figures), listeners=watch.listeners))
    return Response(text, headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4})


class _Shown(Collector):
    """The figures of the job table, and after them what this process has counted."""

    def __init__(self, figures: Mapping[str, Any], *, listeners: int) -> None:
        self._figures = figures
        self._listeners = listeners

    @override
    def collect(self) -> Iterator[Metric]:
        figures = self._figures
        jobs = _gauge(
            "jobs",
            "Jobs by queue and status; those that succeeded or were cancelled, of the last hour.",
            "queue",
            "status",
        )
        for entry in figures["jobs"]:
            jobs.add_metric([entry["queue"], entry["status"]], entry["count"])
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
            ("event_listeners", self._listeners, "Clients that follow a task at this process."),
        ):
            gauge = _gauge(name, meaning)
            gauge.add_metric([], value)
            yield gauge
        yield from REGISTRY.collect()


def _gauge(name: str, meaning: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(_PREFIX + name, meaning, labels=labels)
