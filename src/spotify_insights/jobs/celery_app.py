"""Every Celery setting, with its reason. Celery carries job ids and nothing else.

The database holds jobs, their results and all timing; a message is a nudge that may be lost or doubled.
"""

from typing import Final
from urllib.parse import urlsplit

from celery import Celery
from kombu import Queue as KombuQueue

from spotify_insights.jobs.job import Queue

HARD_TIME_LIMIT_SECONDS: Final = 120


def broker_address(redis_url: str) -> str:
    """The address as kombu spells it: it names unix sockets `redis+socket://` where redis-py says `unix://`."""
    parts = urlsplit(redis_url)
    if parts.scheme != "unix":
        return redis_url
    database = dict(pair.split("=", 1) for pair in parts.query.split("&") if "=" in pair).get("db", "0")
    return f"redis+socket://{parts.path}?virtual_host={database}"


def create_celery(redis_url: str) -> Celery:
    """A Celery application for publishing or consuming; makes no connection by itself."""
    app = Celery("spotify_insights", broker=broker_address(redis_url), set_as_current=False)
    app.conf.update(
        # Status and results live in PostgreSQL; a second place could only disagree with it.
        result_backend=None,
        task_ignore_result=True,
        task_serializer="json",
        accept_content=["json"],
        # The lease in the database is the only guarantee. Late acknowledgement would add nothing but parallel
        # redelivery after the visibility timeout and endless loops around a message that kills its process.
        task_acks_late=False,
        task_reject_on_worker_lost=False,
        task_queues=[KombuQueue(queue.value) for queue in Queue],
        task_default_queue=Queue.SPOTIFY.value,
        task_create_missing_queues=False,
        # The soft limit lets an attempt record its own failure before the hard one ends the process.
        task_soft_time_limit=HARD_TIME_LIMIT_SECONDS - 10,
        task_time_limit=HARD_TIME_LIMIT_SECONDS,
        # A worker takes only what it can start now: the rest stays visible to other workers.
        worker_prefetch_multiplier=1,
        worker_max_tasks_per_child=500,
        worker_max_memory_per_child=400_000,
        # The service configures its own logs; Celery's redirection would swallow those of pool processes.
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        broker_connection_retry_on_startup=True,
        broker_connection_timeout=3,
        # The relay owns retrying: a publish that fails is due again at once.
        task_publish_retry=False,
        broker_transport_options={
            "visibility_timeout": 3600,
            "socket_connect_timeout": 2,
            "socket_timeout": 5,
            "socket_keepalive": True,
            # Finds half-open connections that would otherwise block a worker for ever.
            "health_check_interval": 10,
        },
        # Events feed Flower; nothing else depends on them.
        worker_send_task_events=True,
        task_send_sent_event=True,
        enable_utc=True,
        timezone="UTC",
    )
    return app
