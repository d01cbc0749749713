"""A setting that the installed Celery ignores is a defect, so each is looked for where it must arrive."""

from collections.abc import Iterator
from typing import Any

import pytest
from celery import Celery
from celery.app.defaults import DEFAULTS
from kombu.transport.redis import Channel

from spotify_insights.jobs.celery_app import create_celery
from spotify_insights.settings import Settings
from spotify_insights.worker.app import create_worker_app, time_limits
from spotify_insights.worker.tasks import JOB_TYPES
from worker_trials import TRIAL_JOBS

# Celery's note to itself.
_NOT_A_SETTING = "deprecated_settings"


@pytest.fixture(params=["publisher", "worker"])
def app(request: pytest.FixtureRequest, settings: Settings) -> Iterator[Celery]:
    redis_url = settings.redis_url.get_secret_value()
    with create_worker_app(settings) if request.param == "worker" else create_celery(redis_url) as made:
        yield made


def given(app: Celery) -> dict[str, Any]:
    """What differs from Celery's defaults, or is said anyway."""
    conf: Any = app.conf
    return {name: value for name, value in conf.maps[0].items() if name != _NOT_A_SETTING}


def test_celery_knows_every_setting(app: Celery) -> None:
    assert len(given(app)) > 20
    assert set(given(app)) - set(DEFAULTS) == set()


def test_the_transport_takes_over_every_option(app: Celery) -> None:
    options = given(app)["broker_transport_options"]
    with app.connection_for_read() as connection:
        # Kombu heeds some itself and gives the transport the others.
        known = connection._extract_failover_opts()
        known |= {name: getattr(connection.default_channel, name) for name in Channel.from_transport_options}
    assert {name: known.get(name, "unknown") for name in options} == options


def test_every_task_has_the_limits_of_its_job_and_ends_before_its_lease_can(settings: Settings) -> None:
    job_types = (*JOB_TYPES, *TRIAL_JOBS)
    with create_worker_app(settings, job_types=job_types) as app:
        for job_type in job_types:
            task: Any = app.tasks[job_type.task_name]
            assert (task.soft_time_limit, task.time_limit) == time_limits(job_type)
            assert 0 < task.soft_time_limit < task.time_limit < job_type.time_limit.total_seconds()
