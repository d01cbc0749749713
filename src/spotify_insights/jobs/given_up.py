"""Which work was asked for before, so that nobody asks for it again behind an operator's back."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from spotify_insights.jobs.job import Job

_ASKED_FOR: Final = """
    SELECT asked.place
      FROM unnest(CAST(:tasks AS text[]), CAST(:owners AS uuid[]), CAST(:keys AS text[]))
           WITH ORDINALITY AS asked (task_name, owner_id, deduplication_key, place)
     WHERE EXISTS (
           SELECT 1 FROM background_jobs job
            WHERE job.owner_id = asked.owner_id AND job.task_name = asked.task_name
              AND job.deduplication_key = asked.deduplication_key{condition})
"""
_EVER: Final = text(_ASKED_FOR.format(condition=""))
_GIVEN_UP: Final = text(_ASKED_FOR.format(condition=" AND job.status IN ('failed', 'dead', 'cancelled')"))


def without_given_up(session: Session, jobs: Sequence[Job]) -> list[Job]:
    """Those of these listeners' jobs of which no equal one has failed, died or been cancelled.

    Only as long as the row of that one is kept. A job that was queued again is no longer given up.
    """
    return _without(session, _GIVEN_UP, jobs)


def without_asked_for(session: Session, jobs: Sequence[Job]) -> list[Job]:
    """Those of these listeners' jobs of which there was no equal one yet, whatever became of it.

    Only as long as the row of that one is kept.
    """
    return _without(session, _EVER, jobs)


def _without(session: Session, statement: TextClause, jobs: Sequence[Job]) -> list[Job]:
    given = {
        "tasks": [job.task_name for job in jobs],
        "owners": [job.owner_id for job in jobs],
        "keys": [job.deduplication_key for job in jobs],
    }
    found = set(session.scalars(statement, given))
    return [job for place, job in enumerate(jobs, start=1) if place not in found]
