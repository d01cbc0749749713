"""Leaving, as tests do it without HTTP; and a worker that dies while somebody is being erased."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn
from uuid import UUID

import pytest
from sqlalchemy import text

from jobs_inline import work_off
from spotify_insights.accounts.erasing import mark_as_erasing
from spotify_insights.audit.trail import AuditTrail
from spotify_insights.database.actor import SYSTEM, Actor
from spotify_insights.jobs.enqueue import enqueue
from spotify_insights.privacy import erase as erase_module
from spotify_insights.privacy.jobs import EraseUser
from spotify_insights.privacy.request_erasure import begin_erasure
from spotify_insights.runtime import Runtime


class KilledError(Exception):
    """The process ends here."""


def erased(runtime: Runtime, user_id: UUID) -> UUID:
    """Ask for the erasure and make one attempt at it; the id of its task."""
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        is_new = mark_as_erasing(tx, user_id)
        erasure_id = begin_erasure(
            tx,
            user_id,
            is_new=is_new,
            trail=AuditTrail(runtime.audit, Actor.listener(user_id)),
        )
        task_id = enqueue(tx, EraseUser(erasure_id=erasure_id), requested_by=user_id)
    work_off(runtime)
    return task_id


@contextmanager
def killed_before(monkeypatch: pytest.MonkeyPatch, step: str) -> Iterator[None]:
    """Let every attempt at an erasure end in front of `step`, a function of its module."""

    def die(*_: Any, **__: Any) -> NoReturn:
        raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr(erase_module, step, die)
        yield


def make_due(runtime: Runtime) -> None:
    """Let nothing that waits wait any longer."""
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        tx.session.execute(text("UPDATE background_jobs SET available_at = now() WHERE status = 'queued'"))
