"""The list of background work, as it is offered to Celery."""

from spotify_insights.runtime import Runtime
from spotify_insights.settings import Settings
from spotify_insights.worker.app import create_worker_app
from spotify_insights.worker.tasks import JOB_TYPES, Handlers

# As the documentation names them, and operators watch them.
QUEUE_OF_TASK = {
    "spotify.refresh_token": "spotify",
    "spotify.ingest_listening_data": "spotify",
    "spotify.ingest_all_ranges": "spotify",
    "spotify.poll_recently_played": "spotify",
    "spotify.purge_disconnected_data": "spotify",
    "spotify.refresh_expiring_tokens": "spotify",
    "insights.generate_wellness_insight": "insights",
    "insights.generate_roast": "insights",
    "insights.generate_productivity_insight": "insights",
    "insights.generate_weekly_insight": "insights",
    "insights.generate_weekly_summary": "insights",
    "scheduled.ingest_all_users_data": "scheduled",
    "scheduled.poll_recently_played": "scheduled",
    "scheduled.generate_weekly_summaries": "scheduled",
    "scheduled.take_calendar_snapshots": "scheduled",
    "listening.take_calendar_snapshots": "scheduled",
    "listening.import_history": "spotify",
    "listening.undo_import": "spotify",
    "listening.fill_features": "scheduled",
    "listening.fill_genres": "scheduled",
    "listening.refresh_history": "scheduled",
    "listening.refresh_histories": "scheduled",
    "scheduled.cleanup_old_jobs": "scheduled",
    "scheduled.export_user_data": "scheduled",
    "scheduled.erase_user": "scheduled",
    "scheduled.purge_expired_data": "scheduled",
    "scheduled.monitor_failed_jobs": "scheduled",
    "spotify.canary": "spotify",
    "insights.canary": "insights",
    "scheduled.canary": "scheduled",
}


def test_every_task_is_there_under_its_name_and_on_its_queue() -> None:
    assert {job.task_name: job.queue.value for job in JOB_TYPES} == QUEUE_OF_TASK
    assert len(JOB_TYPES) == len(QUEUE_OF_TASK)


def test_a_worker_registers_exactly_the_tasks_of_the_list(settings: Settings) -> None:
    with create_worker_app(settings) as app:
        registered = {name for name in app.tasks if not name.startswith("celery.")}

    assert registered == {job.task_name for job in JOB_TYPES}


def test_every_job_has_somebody_who_does_it(runtime: Runtime) -> None:
    handlers = Handlers.of(runtime)

    assert set(handlers.by_job_type) == set(JOB_TYPES)
