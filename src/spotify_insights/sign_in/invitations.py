"""Invitations: an admin lets somebody in by a link that works once."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from spotify_insights.access.one_time_links import LinkPurpose, NewLink, create_link, end_links
from spotify_insights.access.scopes import UserRole
from spotify_insights.audit.event import AuditEvent
from spotify_insights.audit.record import AuditLog, Origin
from spotify_insights.database.actor import Actor
from spotify_insights.database.database import Transaction
from spotify_insights.errors import NotFoundError

DAYS: Final = 7
MOST_DAYS: Final = 90
LONGEST_NOTE: Final = 200


def invite(
    tx: Transaction,
    audit: AuditLog,
    *,
    actor: Actor,
    role: UserRole = UserRole.USER,
    note: str | None = None,
    days: int = DAYS,
    origin: Origin | None = None,
) -> NewLink:
    """A link through which somebody may join as `role` within so many days; its token is shown once.

    Args:
        note: for whom it is meant, in the admin's own words.
    """
    link = create_link(
        tx,
        LinkPurpose.INVITATION,
        lasts=timedelta(days=days),
        created_by=actor.user_id,
        role=role,
        note=note,
    )
    audit.record(
        tx,
        AuditEvent.INVITATION_CREATED,
        actor=actor,
        target=str(link.id),
        details={"role": role.value, "days": days},
        origin=origin,
    )
    return link


def withdraw_invitation(
    tx: Transaction,
    audit: AuditLog,
    invitation_id: UUID,
    *,
    actor: Actor,
    origin: Origin | None = None,
) -> None:
    """Make an invitation worthless that nobody has accepted yet.

    Raises:
        NotFoundError: there is no such invitation, or it is over.
    """
    if not end_links(tx, LinkPurpose.INVITATION, link_id=invitation_id):
        raise NotFoundError("There is no such invitation, or it is over already.")
    audit.record(tx, AuditEvent.INVITATION_WITHDRAWN, actor=actor, target=str(invitation_id), origin=origin)
