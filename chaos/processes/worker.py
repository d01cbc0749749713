"""A worker that knows the jobs of the suite."""

import sys

from chaos.jobs import CHAOS_JOBS, ChaosHandlers
from chaos.processes.begin import begin
from spotify_insights.jobs.job import Queue
from spotify_insights.observability import configure_logging
from spotify_insights.settings import Settings
from spotify_insights.worker.app import create_worker_app
from spotify_insights.worker.serve import work

if __name__ == "__main__":
    queue, concurrency = sys.argv[1:]
    begin()
    settings = Settings.from_environment()
    configure_logging(settings.log_level, settings.log_format)
    app = create_worker_app(settings, job_types=CHAOS_JOBS, handlers=lambda _: ChaosHandlers())
    work(app, settings, queue=Queue(queue), concurrency=int(concurrency))
