"""The API with two further routes: asking for a job of the suite, and cancelling it."""

import contextlib
import os
import sys
from datetime import timedelta
from unittest.mock import patch
from uuid import UUID

from fastapi import APIRouter, FastAPI, Response
from fastapi.responses import JSONResponse

from chaos.jobs import ChaosWork, work_type
from chaos.mutations import Without
from chaos.processes.begin import WITHOUT, begin
from spotify_insights.database.actor import LOCAL
from spotify_insights.errors import ProductError
from spotify_insights.jobs.cancel import cancel_job
from spotify_insights.jobs.celery_app import create_celery
from spotify_insights.jobs.enqueue import enqueue
from spotify_insights.jobs.job import Queue
from spotify_insights.jobs.relay.publisher import BrokerUnreachableError, CeleryPublisher, DueJob
from spotify_insights.runtime import Runtime
from spotify_insights.web import serve
from spotify_insights.web.accepted import accepted
from spotify_insights.web.app import create_app
from spotify_insights.web.dependencies import RuntimeDep
from spotify_insights.web.idempotency import KeyedRequest, respond_once

router = APIRouter(prefix="/api/chaos")


class Request(ChaosWork):
    """Work, where it goes, and how long it waits."""

    on: Queue = Queue.SPOTIFY
    delay: float = 0.0


@router.post("/jobs", response_model=None)
def ask_for_work(runtime: RuntimeDep, keyed: KeyedRequest, request: Request) -> Response:
    """Queue a job, as the product's own routes do."""
    job_type = work_type(request.on, request.trouble)
    job = job_type(**request.model_dump(exclude={"on", "delay"}))

    def respond() -> JSONResponse:
        job_ids.append(enqueue(tx, job, delay=timedelta(seconds=request.delay)))
        return accepted(job_ids[-1])

    job_ids: list[UUID] = []
    with runtime.database.transaction(acting_for=LOCAL) as tx:
        response = respond_once(tx, keyed, respond)
    if os.environ.get(WITHOUT) == Without.RELAY:
        _publish_once(runtime, [DueJob(job_id, job.task_name, job.queue) for job_id in job_ids])
    return response


@router.post("/jobs/{job_id}/cancellation", response_model=None)
def cancel(runtime: RuntimeDep, job_id: UUID) -> dict[str, str]:
    """Cancel a job."""
    with runtime.database.transaction(acting_for=LOCAL) as tx:
        return {"cancellation": cancel_job(tx, job_id, acting_for=LOCAL)}


def _publish_once(runtime: Runtime, jobs: list[DueJob]) -> None:
    """What services without a relay do: tell the broker after the commit, and hope."""
    with contextlib.suppress(BrokerUnreachableError):
        CeleryPublisher(create_celery(runtime.settings.redis_url.get_secret_value())).publish(jobs)


def _create_app(runtime: Runtime) -> FastAPI:
    app = create_app(runtime)
    app.include_router(router)
    return app


if __name__ == "__main__":
    begin()
    patch.object(serve, "create_app", _create_app).start()
    try:
        serve.serve_api(host="127.0.0.1", port=0, fd=int(sys.argv[1]))
    except ProductError as error:
        sys.exit(error.message)
