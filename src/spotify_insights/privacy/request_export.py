"""Asking for an export, and for the link that downloads it."""

from uuid import UUID

from spotify_insights.access.export_link import ExportLink, make_export_link
from spotify_insights.accounts.erasing import refuse_if_erasing
from spotify_insights.audit.event import AuditEvent
from spotify_insights.audit.trail import AuditTrail
from spotify_insights.database.database import Transaction
from spotify_insights.jobs.enqueue import enqueue
from spotify_insights.privacy.jobs import ExportUserData
from spotify_insights.storage.read import stored_file


def request_export(tx: Transaction, user_id: UUID, *, trail: AuditTrail) -> UUID:
    """Queue the export and return the id of its task; one that is under way already is joined.

    Args:
        trail: of whoever asks, which records that, also where they join.

    Raises:
        BeingErasedError: everything is being deleted.
    """
    refuse_if_erasing(tx.session, user_id)
    trail.record(tx, AuditEvent.EXPORT_REQUESTED, subject=user_id)
    return enqueue(tx, ExportUserData(user_id=user_id))


def request_export_link(tx: Transaction, user_id: UUID, export_id: UUID) -> ExportLink:
    """A link that downloads this export once, within a day and while the export is kept.

    Raises:
        NotFoundError: the user has no such export, or its time is over.
        BeingErasedError: everything is being deleted.
    """
    refuse_if_erasing(tx.session, user_id)
    file = stored_file(tx.session, user_id, export_id, kind="export")
    return make_export_link(tx, user_id, file.file_id, file_expires_at=file.expires_at)
