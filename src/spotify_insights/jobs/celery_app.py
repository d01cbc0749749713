"""Every Celery setting, with its reason. Celery carries job ids and nothing else.

The database holds jobs, their results and all timing; a message is a nudge that may be lost or doubled.
"""

from typing import Final
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from celery import Celery
from kombu import Queue as KombuQueue

from spotify_insights.jobs.job import Job, Queue

HARD_TIME_LIMIT_SECONDS: Final = int(Job.time_limit.total_seconds())


def broker_address(redis_url: str) -> str:
    """The address as kombu spells it, for whatever redis-py understands.

    Kombu names unix sockets `redis+socket://` where redis-py says `unix://`, and in a query it knows nothing
    but TLS: name, password and database go where it looks for them, and what concerns redis-py alone goes.
    """
    parts = urlsplit(redis_url)
    if parts.scheme != "unix" and not parts.query:
        return redis_url
    given = {name: values[0] for name, values in parse_qs(parts.query).items()}
    # As redis-py has it: what stands before the host comes before the query, but the query before the path.
    credentials, _, host = parts.netloc.rpartition("@")
    user, _, password = credentials.partition(":")
    user, password = (
        in_front or quote(given.get(name, ""), safe="")
        for name, in_front in (("username", user), ("password", password))
    )
    place = f"{user}:{password}@{host}" if user or password else host
    if parts.scheme == "unix":
        return f"redis+socket://{place}{parts.path}?virtual_host={given.get('db', '0')}"
    path = f"/{given['db']}" if "db" in given else parts.path
    tls = urlencode({name: value for name, value in given.items() if name.startswith("ssl_")})
    return f"{parts.scheme}://{place}{path}{'?' if tls else ''}{tls}"


def create_celery(redis_url: str) -> Celery:
    """A Celery application for publishing or consuming; makes no connection by itself."""
    app = Celery("spotify_insights", broker=broker_address(redis_url), set_as_current=False)
    app.conf.update(
        # --- Messages
        # Status and results live in PostgreSQL; a second place could only disagree with it.
        result_backend=None,
        task_ignore_result=True,
        task_serializer="json",
        accept_content=["json"],
        # The lease in the database is the only guarantee. Late acknowledgement would add nothing but parallel
        # redelivery after the visibility timeout and endless loops around a message that kills its process.
        task_acks_late=False,
        task_reject_on_worker_lost=False,
        task_retry_on_worker_lost=False,
        task_queues=[KombuQueue(queue.value) for queue in Queue],
        task_default_queue=Queue.SPOTIFY.value,
        # A misspelt queue is an error instead of a place where nobody looks.
        task_create_missing_queues=False,
        # The relay owns retrying: a publish that fails is due again at once.
        task_publish_retry=False,
        # --- Running
        # Each kind of job brings its own limits; these hold for a task that would come without.
        task_soft_time_limit=HARD_TIME_LIMIT_SECONDS - 10,
        task_time_limit=HARD_TIME_LIMIT_SECONDS,
        # A worker takes only what it can start now; the rest stays where other workers see it. The multiplier
        # alone would let it put one more message per process aside.
        worker_prefetch_multiplier=1,
        worker_disable_prefetch=True,
        # After a lost connection Celery would count running tasks twice and consume less for a while.
        worker_enable_prefetch_count_reduction=False,
        # Concerns late acknowledgement only, which no task has; otherwise every reconnect logs a warning.
        worker_cancel_long_running_tasks_on_connection_loss=True,
        # Memory that leaks is given back: after so many tasks, or (in KiB) after the task that needed more.
        worker_max_tasks_per_child=500,
        worker_max_memory_per_child=400_000,
        # A pool process makes its parts before it reports for work. Celery kills one that takes 4 seconds,
        # which a busy machine may need, and would then start and kill for ever.
        worker_proc_alive_timeout=60.0,
        # What a job prints is no log line.
        worker_redirect_stdouts=False,
        # --- The connection to Redis
        # A worker waits for Redis as long as it takes: given up after 100 tries, it would need an operator.
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        # A refusal such as "out of memory" or "read only" passes, too; unset, it ends the worker.
        broker_channel_error_retry=True,
        broker_connection_timeout=3,
        broker_transport_options={
            # Redis keeps no list of delivered messages. It would cost two writes for each, which a full
            # Redis refuses, and would deliver again after an hour what the relay sends again in seconds.
            "ack_emulation": False,
            # Kombu would try again, for seconds, inside of whatever needs a connection: a publish of the
            # relay, or each answer of a worker to Flower. Who really waits for Redis does so by itself.
            "max_retries": 0,
            "socket_connect_timeout": 2,
            # Bounds every answer: of a publish, and of whatever a worker asks beside its waiting for work,
            # which the event loop watches.
            "socket_timeout": 5,
            "socket_keepalive": True,
            # Finds half-open connections, on which a worker would wait for ever: after 11 to 21 seconds.
            "health_check_interval": 10,
        },
        # --- Watching
        # Events feed Flower; nothing else depends on them.
        worker_send_task_events=True,
        task_send_sent_event=True,
        enable_utc=True,
        timezone="UTC",
    )
    return app
