"""The first admin: whoever can read what the server prints may become one, once."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from pydantic import SecretStr

from spotify_insights.access.one_time_links import (
    LinkOverError,
    LinkPurpose,
    create_link,
    end_links,
    find_link,
    use_link,
)
from spotify_insights.access.scopes import UserRole
from spotify_insights.accounts.people import count_admins, hold_admins
from spotify_insights.audit.event import AuditEvent
from spotify_insights.audit.record import AuditLog, Origin
from spotify_insights.database.actor import AUTHENTICATION, Actor
from spotify_insights.database.database import Database, Transaction
from spotify_insights.errors import ConflictError
from spotify_insights.settings import Settings
from spotify_insights.sign_in.local_accounts import Credentials, create_account

LINK_LASTS: Final = timedelta(hours=24)


class AdminExistsError(ConflictError):
    """Somebody is admin already: others become one through them."""

    code = "admin_exists"

    def __init__(self) -> None:
        super().__init__("This installation has an admin. Ask them for an invitation.")


def create_setup_link(tx: Transaction, public_url: str) -> SecretStr:
    """The address of the set-up page with a new token, which works once and for a day.

    From here on `tx` is AUTHENTICATION's, who sees whether an admin can sign in.

    Raises:
        AdminExistsError: nobody is to be the first any more.
    """
    tx.continue_as(AUTHENTICATION)
    if count_admins(tx):
        raise AdminExistsError
    token = create_link(tx, LinkPurpose.SETUP, lasts=LINK_LASTS).token.get_secret_value()
    return SecretStr(f"{public_url.rstrip('/')}/setup?token={token}")


def setup_link_if_needed(database: Database, settings: Settings) -> SecretStr | None:
    """As `create_setup_link`; None where nobody has to sign in, or there is an admin.

    Raises:
        UnavailableError: the database does not answer.
    """
    if settings.auth_mode == "open":
        return None
    try:
        with database.transaction(acting_for=AUTHENTICATION) as tx:
            return create_setup_link(tx, settings.public_url)
    except AdminExistsError:
        return None


def may_set_up(tx: Transaction, token_hash: str) -> bool:
    """Whether this link would make the first admin. It is not used up."""
    return not count_admins(tx) and find_link(tx, LinkPurpose.SETUP, token_hash) is not None


def make_first_admin(
    tx: Transaction,
    audit: AuditLog,
    credentials: Credentials,
    *,
    token_hash: str,
    timezone: str = "UTC",
    origin: Origin | None = None,
) -> UUID:
    """Make the first admin; every set-up link ends. Of two at once, one succeeds.

    To be done as AUTHENTICATION.

    Raises:
        LinkOverError: the link does not work any more, also because there is an admin by now.
        InvalidInputError: the timezone is unknown.
        UsernameTakenError: somebody else has the name.
    """
    if hold_admins(tx):
        raise LinkOverError
    use_link(tx, LinkPurpose.SETUP, token_hash)
    user_id = create_account(tx, credentials, role=UserRole.ADMIN, timezone=timezone)
    end_links(tx, LinkPurpose.SETUP)
    audit.record(
        tx,
        AuditEvent.ACCOUNT_CREATED,
        actor=Actor.admin(user_id),
        subject=user_id,
        details={"method": "setup", "role": UserRole.ADMIN.value},
        origin=origin,
    )
    return user_id
