"""A new password for somebody who forgot theirs: an admin makes a link, and they choose."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from pydantic import SecretStr
from sqlalchemy import text

from spotify_insights.access.api_keys import revoke_all_keys
from spotify_insights.access.one_time_links import (
    LinkOverError,
    LinkPurpose,
    NewLink,
    create_link,
    end_links,
    end_links_of,
    find_link,
    use_link,
)
from spotify_insights.access.owner import lock_owner
from spotify_insights.accounts.people import end_links_made_by
from spotify_insights.accounts.profile import no_such_user
from spotify_insights.accounts.queries import providers_that_sign_in
from spotify_insights.audit.event import AuditEvent
from spotify_insights.audit.record import AuditLog, Origin
from spotify_insights.audit.trail import AuditTrail
from spotify_insights.database.actor import AUTHENTICATION, Actor
from spotify_insights.database.database import Database, Transaction
from spotify_insights.sign_in.local_accounts import NoPasswordError, set_password, username_of
from spotify_insights.sign_in.passwords import check_new_password, hash_password

LINK_LASTS: Final = timedelta(hours=24)
# Locked, so that of two links that are made at once the later one ends the other.
_EXISTS: Final = text("""
    SELECT FROM users WHERE id = :user_id AND erasing_since IS NULL FOR NO KEY UPDATE
""")


@dataclass(frozen=True)
class PasswordReset:
    """Whose password is new, and through which services the account can be entered besides."""

    user_id: UUID
    providers: tuple[str, ...]


def create_reset_link(tx: Transaction, user_id: UUID, *, trail: AuditTrail) -> NewLink:
    """A link that lets this user choose a new password within a day; earlier ones end.

    To be begun as AUTHENTICATION, which sees who has a password.

    Args:
        trail: of the admin who asked.

    Raises:
        NotFoundError: there is no such user.
        NoPasswordError: they sign in through another service.
    """
    if tx.session.execute(_EXISTS, {"user_id": user_id}).one_or_none() is None:
        raise no_such_user()
    if username_of(tx, user_id) is None:
        raise NoPasswordError
    end_links(tx, LinkPurpose.PASSWORD_RESET, user_id=user_id)
    link = create_link(
        tx, LinkPurpose.PASSWORD_RESET, lasts=LINK_LASTS, user_id=user_id, created_by=trail.actor.user_id
    )
    trail.record(tx, AuditEvent.PASSWORD_RESET_LINK_CREATED, subject=user_id)
    return link


def reset_account(tx: Transaction, token_hash: str) -> tuple[UUID, str] | None:
    """Whose password this link resets, and the name they sign in with; None where it does not work."""
    link = find_link(tx, LinkPurpose.PASSWORD_RESET, token_hash)
    if link is None or link.user_id is None:
        return None
    username = username_of(tx, link.user_id)
    return None if username is None else (link.user_id, username)


def reset_password(
    database: Database,
    audit: AuditLog,
    *,
    token_hash: str,
    password: SecretStr,
    origin: Origin | None = None,
) -> PasswordReset:
    """Set the password that was chosen, and end what a thief of the old one may have made.

    Every session, key and token ends, every other link for this person, and every link that they made for
    others. What stays is said by the answer: an account elsewhere that was attached signs in as before, for
    nobody but its owner knows whether it is theirs.

    Raises:
        LinkOverError: the link does not work, or no more.
        InvalidInputError: the password cannot be used; the link goes on working.
    """
    with database.transaction(acting_for=AUTHENTICATION) as tx:
        account = reset_account(tx, token_hash)
    if account is None:
        raise LinkOverError
    user_id, username = account
    check_new_password(password, username=username)
    password_hash = hash_password(password)
    with database.transaction(acting_for=AUTHENTICATION) as tx:
        # Whoever is making a key or a link with a session is waited for, or finds it ended.
        lock_owner(tx, user_id)
        use_link(tx, LinkPurpose.PASSWORD_RESET, token_hash)
        end_links_of(tx, user_id)
        end_links_made_by(tx, user_id)
        # Before the sessions, which the tokens of a key are, too.
        keys = revoke_all_keys(tx, user_id)
        ended = set_password(tx, user_id, password_hash)
        audit.record(
            tx,
            AuditEvent.PASSWORD_CHANGED,
            actor=Actor.listener(user_id),
            subject=user_id,
            details={"method": "reset_link", "sessions": ended, "keys": keys},
            origin=origin,
        )
        return PasswordReset(user_id, providers_that_sign_in(tx.session, user_id))
