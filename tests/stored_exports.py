"""Exports as they are stored, for tests that look into them."""

import io
import zipfile
from uuid import UUID

from sqlalchemy import text

from jobs_inline import job_row, work_off
from spotify_insights.audit.trail import AuditTrail
from spotify_insights.database.actor import SYSTEM, Actor
from spotify_insights.privacy.request_export import request_export
from spotify_insights.runtime import Runtime


def made_export(runtime: Runtime, user_id: UUID) -> UUID:
    """Ask for an export and let it be made; its id."""
    listener = Actor.listener(user_id)
    with runtime.database.transaction(acting_for=listener) as tx:
        task_id = request_export(tx, user_id, trail=AuditTrail(runtime.audit, listener))
    work_off(runtime)
    job = job_row(runtime.database, task_id)
    assert (job.status, job.error) == ("succeeded", None)
    assert job.result is not None
    return UUID(str(job.result["export_id"]))


def stored_zip(runtime: Runtime, export_id: UUID) -> bytes:
    """Its content, put together from the pieces."""
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        pieces = tx.session.scalars(
            text("SELECT content FROM stored_file_chunks WHERE file_id = :id ORDER BY number"),
            {"id": export_id},
        )
        return b"".join(bytes(piece) for piece in pieces)


def files_of(content: bytes) -> dict[str, bytes]:
    """What is in a zip, by name."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def exported(runtime: Runtime, user_id: UUID) -> dict[str, bytes]:
    """The files of a new export."""
    return files_of(stored_zip(runtime, made_export(runtime, user_id)))
