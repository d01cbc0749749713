"""Jobs as an operator looks at them: lists, one job whole, and the state of the queues.

Every answer carries the database's present, so that "3 min ago" means the same on every machine.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from spotify_insights.jobs.job import Queue
from spotify_insights.jobs.upkeep.canary import CANARY_TASKS

_COLUMNS: Final = """
    id, task_name, queue, owner_id, parent_id, arguments, status, attempts, max_attempts, snoozes,
    available_at, expires_at, deadline_at, published_at, publishes, lease_expires_at, worker,
    cancel_requested, progress, result, error_code, error, queued_at, started_at, finished_at, run_ms,
    clock_timestamp() AS seen_at
"""
# Three a minute that went well would be all that a list shows.
_IS_ROUTINE: Final = f"(status = 'succeeded' AND task_name IN ({CANARY_TASKS}))"
# Ids are made in the order of time.
_NEWEST: Final = text(f"""
    SELECT {_COLUMNS} FROM background_jobs
     WHERE (CAST(:statuses AS text[]) IS NULL OR status = ANY(CAST(:statuses AS text[])))
       AND (CAST(:queue AS text) IS NULL OR queue = :queue)
       AND (CAST(:task_name AS text) IS NULL OR task_name = :task_name)
       AND (CAST(:owner_id AS uuid) IS NULL OR owner_id = :owner_id)
       AND (:with_routine OR NOT {_IS_ROUTINE})
     ORDER BY id DESC
     LIMIT :limit
""")  # noqa: S608  # only constants are put together
_ONE: Final = text(f"SELECT {_COLUMNS} FROM background_jobs WHERE id = :job_id")  # noqa: S608  # constants
_BY_PART: Final = text(f"""
    SELECT {_COLUMNS} FROM background_jobs
     WHERE strpos(id::text, :part) > 0 OR strpos(replace(id::text, '-', ''), :part) > 0
     ORDER BY right(id::text, length(:part)) <> :part, id DESC
     LIMIT :limit
""")  # noqa: S608  # only constants are put together
_CHILDREN: Final = text(
    "SELECT status, count(*) AS jobs FROM background_jobs WHERE parent_id = :job_id GROUP BY status"
)
# Each line reads one partial index, so that a watcher costs little however long the history is.
_QUEUES: Final = text("""
    SELECT queue, 'queued' AS figure, count(*)::float AS value
      FROM background_jobs WHERE status = 'queued' GROUP BY queue
    UNION ALL
    SELECT queue, 'oldest_seconds', greatest(extract(epoch FROM clock_timestamp() - min(available_at)), 0)
      FROM background_jobs WHERE status = 'queued' AND available_at <= statement_timestamp() GROUP BY queue
    UNION ALL
    SELECT queue, 'running', count(*) FROM background_jobs WHERE status = 'running' GROUP BY queue
    UNION ALL
    SELECT queue, 'dead', count(*)
      FROM background_jobs WHERE status IN ('failed', 'dead') AND status = 'dead' GROUP BY queue
    UNION ALL
    SELECT queue, 'ended_last_hour', count(*)
      FROM background_jobs WHERE finished_at > statement_timestamp() - interval '1 hour' GROUP BY queue
""")
_RUNNING: Final = text(f"""
    SELECT {_COLUMNS} FROM background_jobs WHERE status = 'running' ORDER BY started_at, id LIMIT :limit
""")  # noqa: S608  # only constants are put together
_ENDED: Final = text(f"""
    SELECT {_COLUMNS} FROM background_jobs WHERE finished_at IS NOT NULL AND NOT {_IS_ROUTINE}
     ORDER BY finished_at DESC LIMIT :limit
""")  # noqa: S608  # only constants are put together
_PRESENT: Final = text("SELECT clock_timestamp()")
_DEAD: Final = text(f"""
    SELECT {_COLUMNS},
           EXISTS (SELECT 1 FROM background_jobs active
                    WHERE active.task_name = ended.task_name
                      AND active.owner_id IS NOT DISTINCT FROM ended.owner_id
                      AND active.deduplication_key = ended.deduplication_key
                      AND active.status IN ('queued', 'running')
                      AND NOT active.cancel_requested) AS is_under_way
      FROM background_jobs ended
     WHERE status IN ('failed', 'dead') AND status = 'dead'
       AND (CAST(:task_name AS text) IS NULL OR task_name = :task_name)
       AND (CAST(:error_code AS text) IS NULL OR error_code = :error_code)
     ORDER BY id DESC
""")  # noqa: S608  # only constants are put together


@dataclass(frozen=True, kw_only=True)
class JobView:
    """One row of the job table as it stood at `seen_at`; the lease token is nobody's business."""

    id: UUID
    task_name: str
    queue: str
    owner_id: UUID | None
    parent_id: UUID | None
    arguments: Mapping[str, Any]
    status: str
    attempts: int
    max_attempts: int
    snoozes: int
    available_at: datetime
    expires_at: datetime | None
    deadline_at: datetime | None
    published_at: datetime | None
    publishes: int
    lease_expires_at: datetime | None
    worker: str | None
    cancel_requested: bool
    progress: Mapping[str, Any] | None
    result: Mapping[str, Any] | None
    error_code: str | None
    error: str | None
    queued_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    run_ms: int | None
    seen_at: datetime


@dataclass(frozen=True)
class QueueView:
    """One queue now: what waits, how long the oldest due job has (None: none is due), what runs and died."""

    queued: int
    running: int
    oldest_seconds: float | None
    dead: int
    ended_last_hour: int


@dataclass(frozen=True)
class Overview:
    """The queues, what runs (the longest first) and what ended last, at one moment."""

    seen_at: datetime
    queues: Mapping[str, QueueView]
    running: Sequence[JobView]
    ended: Sequence[JobView]


@dataclass(frozen=True)
class DeadJobs:
    """The dead jobs of a kind: those whose work is under way in another job, and the others."""

    under_way: Sequence[JobView]
    others: Sequence[JobView]


def newest_jobs(
    session: Session,
    *,
    statuses: Sequence[str] = (),
    queue: str | None = None,
    task_name: str | None = None,
    owner_id: UUID | None = None,
    with_routine: bool = False,
    limit: int,
) -> Sequence[JobView]:
    """The jobs to which everything given applies, the newest first.

    Args:
        with_routine: also canaries that went well.
    """
    wanted = {
        "statuses": list(statuses) or None,
        "queue": queue,
        "task_name": task_name,
        "owner_id": owner_id,
        "with_routine": with_routine,
        "limit": limit,
    }
    return _views(session, _NEWEST, wanted)


def one_job(session: Session, job_id: UUID) -> JobView | None:
    """The job of that id."""
    return next(iter(_views(session, _ONE, {"job_id": job_id})), None)


def jobs_by_part(session: Session, part: str, *, limit: int) -> Sequence[JobView]:
    """The jobs whose id contains `part` (lower case, with or without dashes); first those that end in it."""
    return _views(session, _BY_PART, {"part": part, "limit": limit})


def children_of(session: Session, job_id: UUID) -> Mapping[str, int]:
    """How many jobs this one has queued, by their status."""
    return {row.status: row.jobs for row in session.execute(_CHILDREN, {"job_id": job_id})}


def overview(session: Session, *, running: int, ended: int) -> Overview:
    """Everything at a glance, with so many running and ended jobs at most.

    Canaries that went well are counted and not listed.
    """
    figures: dict[str, dict[str, float]] = {queue.value: {} for queue in Queue}
    for row in session.execute(_QUEUES):
        figures[row.queue][row.figure] = row.value
    return Overview(
        seen_at=session.execute(_PRESENT).scalar_one(),
        queues={queue: _queue_view(known) for queue, known in figures.items()},
        running=_views(session, _RUNNING, {"limit": running}),
        ended=_views(session, _ENDED, {"limit": ended}),
    )


def dead_jobs(session: Session, *, task_name: str | None, error_code: str | None) -> DeadJobs:
    """Every dead job of this task and reason (None: of any), the newest first."""
    rows = session.execute(_DEAD, {"task_name": task_name, "error_code": error_code}).mappings().all()
    views = {True: list[JobView](), False: list[JobView]()}
    for row in rows:
        views[row["is_under_way"]].append(
            JobView(**{name: value for name, value in row.items() if name != "is_under_way"})
        )
    return DeadJobs(under_way=views[True], others=views[False])


def _views(session: Session, statement: Any, parameters: Mapping[str, Any]) -> Sequence[JobView]:
    return [JobView(**row) for row in session.execute(statement, parameters).mappings()]


def _queue_view(figures: Mapping[str, float]) -> QueueView:
    return QueueView(
        queued=int(figures.get("queued", 0)),
        running=int(figures.get("running", 0)),
        oldest_seconds=figures.get("oldest_seconds"),
        dead=int(figures.get("dead", 0)),
        ended_last_hour=int(figures.get("ended_last_hour", 0)),
    )
