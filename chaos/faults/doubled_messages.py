"""The broker delivers what it should not: jobs that run or have ended, unknown and foreign ones, nonsense."""

import asyncio
from collections.abc import Iterator
from uuid import UUID, uuid4

import psycopg
from kombu.exceptions import KombuError

from chaos.fault import Case, Fault
from chaos.jobs import InsightsWork
from chaos.records import look_behind
from chaos.world import World
from spotify_insights.errors import TemporaryError
from spotify_insights.jobs.celery_app import create_celery
from spotify_insights.jobs.relay.publisher import CeleryPublisher, DueJob

_TIMES = 20
_LONG_SECONDS = 5.0
_SOME = """
    (SELECT id, task_name, queue, true AS runs FROM background_jobs
      WHERE status = 'running' AND task_name LIKE '%.chaos'
      ORDER BY (arguments->>'seconds')::float DESC LIMIT 4)
    UNION ALL
    (SELECT id, task_name, queue, false FROM background_jobs
      WHERE finished_at IS NOT NULL AND task_name LIKE '%.chaos%' ORDER BY finished_at DESC LIMIT 4)
"""


def _publish(world: World, *, times: int) -> list[UUID]:
    """Put the messages straight into the broker; the running jobs among those they are about."""
    with look_behind(world.database_url) as connection:
        rows = connection.execute(_SOME).fetchall()
    with create_celery(world.valkey.url) as app:
        publisher = CeleryPublisher(app)
        messages = list(_messages([(row[0], row[1], row[2]) for row in rows]))
        for _ in range(times):
            publisher.publish(messages)
        app.send_task(InsightsWork.task_name, args=["no id at all"], queue=InsightsWork.queue)
        app.send_task(InsightsWork.task_name, args=[], queue=InsightsWork.queue)
    return [row[0] for row in rows if row[3]]


def _messages(jobs: list[tuple[UUID, str, str]]) -> Iterator[DueJob]:
    for job_id, task_name, queue in jobs:
        yield DueJob(job_id, task_name, queue)
        if task_name != InsightsWork.task_name:
            yield DueJob(job_id, InsightsWork.task_name, InsightsWork.queue)
    yield DueJob(uuid4(), InsightsWork.task_name, InsightsWork.queue)


async def inject(case: Case) -> None:
    # One that still runs when the messages arrive.
    runs = await case.clients.insist(seconds=_LONG_SECONDS, hasty=True)
    if runs is not None:
        await case.world.begun(runs, within=_LONG_SECONDS)
    async with case.world.broker_lock, case.world.database_lock:
        try:
            case.struck.update(await asyncio.to_thread(_publish, case.world, times=_TIMES))
        except (psycopg.OperationalError, TemporaryError, KombuError):
            # A server has just come back and is not itself yet; there are more faults of this kind.
            return


FAULT = Fault("messages doubled, foreign or nonsense", inject)
