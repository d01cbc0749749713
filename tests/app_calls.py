"""The calls that an installation allows itself, as tests use them up and count them."""

from sqlalchemy import text

from jobs_inline import job_row, work_off
from spotify_insights.accounts.call_budget import Purpose, SpotifyAppState, spotify_app_state
from spotify_insights.database.actor import SYSTEM
from spotify_insights.database.database import Database
from spotify_insights.jobs.enqueue import enqueue
from spotify_insights.jobs.job import Job
from spotify_insights.jobs.models import BackgroundJob
from spotify_insights.pretend_spotify.running import RunningPretendSpotify
from spotify_insights.runtime import Runtime


def app_state(runtime: Runtime) -> SpotifyAppState:
    """How the installation's own app stands."""
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        return spotify_app_state(tx.session, runtime.settings.spotify_client_id)


def leave_calls(runtime: Runtime, left: int, *, purpose: Purpose) -> None:
    """Use up the day's calls until so many are left for this purpose."""
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        room = runtime.spotify.budget.room(tx.session, purpose=purpose)
    runtime.spotify.budget.reserve(room - left, purpose=purpose)


def calls_of(database: Database, client_id: str) -> int:
    """The calls counted for this app on all days together."""
    with database.transaction(acting_for=SYSTEM) as tx:
        statement = text("SELECT coalesce(sum(calls), 0) FROM spotify_app_days WHERE client_id = :client_id")
        return int(tx.session.execute(statement, {"client_id": client_id}).scalar_one())


def attempted(runtime: Runtime, job: Job) -> BackgroundJob:
    """The job after one attempt at it."""
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        job_id = enqueue(tx, job)
    work_off(runtime)
    return job_row(runtime.database, job_id)


def requests_made(pretend_spotify: RunningPretendSpotify) -> int:
    """How often Spotify was asked anything so far."""
    return pretend_spotify.control.counters().total
