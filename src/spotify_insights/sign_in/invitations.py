"""Invitations: an admin lets somebody in by a link that works once."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from spotify_insights.access.one_time_links import LinkPurpose, NewLink, create_link, end_links
from spotify_insights.access.scopes import UserRole
from spotify_insights.audit.event import AuditEvent
from spotify_insights.audit.trail import AuditTrail
from spotify_insights.database.database import Transaction
from spotify_insights.errors import NotFoundError

DAYS: Final = 7
MOST_DAYS: Final = 90
LONGEST_NOTE: Final = 200


def invite(
    tx: Transaction,
    *,
    trail: AuditTrail,
    role: UserRole = UserRole.USER,
    note: str | None = None,
    days: int = DAYS,
) -> NewLink:
    """A link through which somebody may join as `role` within so many days; its token is shown once.

    Args:
        note: for whom it is meant, in the admin's own words.
    """
    link = create_link(
        tx,
        LinkPurpose.INVITATION,
        lasts=timedelta(days=days),
        created_by=trail.actor.user_id,
        role=role,
        note=note,
    )
    details = {"role": role.value, "days": days}
    trail.record(tx, AuditEvent.INVITATION_CREATED, target=str(link.id), details=details)
    return link


def withdraw_invitation(tx: Transaction, invitation_id: UUID, *, trail: AuditTrail) -> None:
    """Make an invitation worthless that nobody has accepted yet.

    Raises:
        NotFoundError: there is no such invitation, or it is over.
    """
    if not end_links(tx, LinkPurpose.INVITATION, link_id=invitation_id):
        raise NotFoundError("There is no such invitation, or it is over already.")
    trail.record(tx, AuditEvent.INVITATION_WITHDRAWN, target=str(invitation_id))
