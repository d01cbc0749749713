"""Which job an operator means by what they typed."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from spotify_insights.cli.jobs.words import since
from spotify_insights.errors import InvalidInputError, NotFoundError
from spotify_insights.jobs.job import ACTIVE
from spotify_insights.jobs.overview import JobView, children_of, jobs_by_part, one_job

# Three characters fit too many jobs to be meant as one.
_PART: Final = re.compile(r"[0-9a-f-]{4,36}")
_SHOWN: Final = 5
_LONGER_END: Final = 12


@dataclass(frozen=True)
class FollowedJob:
    """A job at one moment, with the number of its children by status."""

    job: JobView
    children: Mapping[str, int]

    @property
    def has_ended(self) -> bool:
        return self.job.status not in ACTIVE


class Follower:
    """Reads one job again and again; what was typed is looked up once."""

    def __init__(self, typed: str) -> None:
        self._typed = typed
        self._job_id: UUID | None = None

    def read(self, session: Session) -> FollowedJob:
        """The job as it stands.

        Raises:
            InvalidInputError: what was typed is no job id, or several jobs have it.
            NotFoundError: there is no such job, or not any more.
        """
        if self._job_id is None:
            job = choose_job(session, self._typed)
            self._job_id = job.id
        else:
            found = one_job(session, self._job_id)
            if found is None:
                raise NotFoundError(
                    f"The job {self._job_id} is gone: it was cleared away or its listener left."
                )
            job = found
        return FollowedJob(job, children_of(session, job.id))


def choose_job(session: Session, typed: str) -> JobView:
    """The one job whose id this is, or whose id it is a part of.

    An end of an id that only one job has is taken for that job, even if the same characters stand in the
    middle of others: ends are what `list` shows.

    Raises:
        InvalidInputError: it cannot be part of an id, or several jobs have it.
        NotFoundError: no job has it.
    """
    part = typed.strip().lower().removeprefix("…")
    if not _PART.fullmatch(part):
        raise InvalidInputError(
            f"{typed!r} is no job id. Type at least four characters of one, as `jobs list` shows them.",
            field="id",
        )
    whole = _as_uuid(part)
    if whole is not None:
        exact = one_job(session, whole)
        if exact is None:
            raise NotFoundError(f"There is no job {whole}.")
        return exact
    found = jobs_by_part(session, part, limit=_SHOWN + 1)
    if not found:
        raise NotFoundError(f"There is no job whose id contains {part!r}. `jobs list` shows those there are.")
    ending = [job for job in found if str(job.id).endswith(part)]
    meant = ending if len(ending) == 1 else found
    if len(meant) > 1:
        raise InvalidInputError(_ambiguous(part, found), field="id")
    return meant[0]


def _as_uuid(part: str) -> UUID | None:
    try:
        return UUID(part)
    except ValueError:
        return None


def _ambiguous(part: str, found: Sequence[JobView]) -> str:
    shown = ", ".join(
        f"{str(job.id)[-_LONGER_END:]} ({job.task_name}, queued {since(job.queued_at, job.seen_at)})"
        for job in found[:_SHOWN]
    )
    more = " and more" if len(found) > _SHOWN else ""
    return f"Several jobs have {part!r} in their id: {shown}{more}. Type more of the one you mean."
