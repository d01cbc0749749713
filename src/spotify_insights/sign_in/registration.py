"""Who may join this installation: the switch REGISTRATION, and invitations."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from spotify_insights.access.one_time_links import LinkPurpose, find_link, use_link
from spotify_insights.access.scopes import UserRole
from spotify_insights.audit.event import AuditEvent
from spotify_insights.audit.record import AuditLog, Origin
from spotify_insights.database.actor import AUTHENTICATION, Actor
from spotify_insights.database.database import Transaction
from spotify_insights.errors import ForbiddenError
from spotify_insights.settings import Settings
from spotify_insights.sign_in.local_accounts import Credentials, create_account

_CLOSED: Final = "This installation takes nobody new at the moment. Ask its operator."
_INVITED_ONLY: Final = "New people need an invitation here. Ask the operator for one."


class RegistrationRefusedError(ForbiddenError):
    """Nobody new may join, or not without an invitation."""

    code = "registration_refused"


@dataclass(frozen=True)
class Admission:
    """The right to join: as what, and by which invitation, if it took one."""

    role: UserRole = UserRole.USER
    invitation_id: UUID | None = None


def is_open(settings: Settings) -> bool:
    """Whether everybody may join; on one's own machine without sign-in always."""
    return settings.auth_mode == "open" or settings.registration == "open"


def may_register(tx: Transaction, settings: Settings, invitation_hash: str | None = None) -> bool:
    """Whether somebody new may join now, with the invitation whose token has this hash. It is not used up."""
    if invitation_hash is None or settings.registration == "closed":
        return is_open(settings)
    return is_open(settings) or find_link(tx, LinkPurpose.INVITATION, invitation_hash) is not None


def admit(
    tx: Transaction,
    settings: Settings,
    audit: AuditLog,
    *,
    invitation_hash: str | None = None,
    origin: Origin | None = None,
) -> Admission:
    """Let somebody new join, and use their invitation up; to be done as AUTHENTICATION with what makes them.

    Whoever has an account already needs none of this.

    Raises:
        RegistrationRefusedError: nobody new may join, or not without an invitation.
        LinkOverError: the invitation was used, has expired or was withdrawn.
    """
    if invitation_hash is None:
        if is_open(settings):
            return Admission()
        closed = settings.registration == "closed"
        raise RegistrationRefusedError(_CLOSED if closed else _INVITED_ONLY)
    if settings.registration == "closed" and not is_open(settings):
        raise RegistrationRefusedError(_CLOSED)
    invitation = use_link(tx, LinkPurpose.INVITATION, invitation_hash)
    audit.record(
        tx,
        AuditEvent.INVITATION_ACCEPTED,
        actor=AUTHENTICATION,
        target=str(invitation.id),
        details={"role": (invitation.role or UserRole.USER).value},
        origin=origin,
    )
    return Admission(role=invitation.role or UserRole.USER, invitation_id=invitation.id)


def join(
    tx: Transaction,
    settings: Settings,
    audit: AuditLog,
    credentials: Credentials,
    *,
    invitation_hash: str | None = None,
    timezone: str = "UTC",
    origin: Origin | None = None,
) -> UUID:
    """Make a local account for somebody new, where they may join. To be done as AUTHENTICATION.

    Raises:
        RegistrationRefusedError, LinkOverError: as `admit`.
        UsernameTakenError: somebody else has the name.
        InvalidInputError: the timezone is unknown.
    """
    admission = admit(tx, settings, audit, invitation_hash=invitation_hash, origin=origin)
    user_id = create_account(tx, credentials, role=admission.role, timezone=timezone)
    audit.record(
        tx,
        AuditEvent.ACCOUNT_CREATED,
        actor=Actor.listener(user_id),
        subject=user_id,
        details={"method": "password", "role": admission.role.value},
        origin=origin,
    )
    return user_id
