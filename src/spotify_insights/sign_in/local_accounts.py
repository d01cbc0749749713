"""Local accounts: a name and a password of this installation, without anybody else's service."""

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from pydantic import SecretStr
from sqlalchemy import Row, text

from spotify_insights.access.one_time_links import end_links_of
from spotify_insights.access.owner import lock_owner
from spotify_insights.access.scopes import UserRole
from spotify_insights.access.sessions import end_all_sessions
from spotify_insights.accounts.people import create_user
from spotify_insights.audit.event import AuditEvent
from spotify_insights.audit.record import AuditLog, Origin
from spotify_insights.database.actor import AUTHENTICATION, Actor
from spotify_insights.database.database import Database, Transaction, rows_changed
from spotify_insights.errors import ConflictError, InvalidInputError
from spotify_insights.sign_in.passwords import check_new_password, hash_password, is_outdated, is_password
from spotify_insights.sign_in.usernames import new_username, normalised_username

_CLAIM: Final = text("""
    INSERT INTO local_accounts (user_id, username, password_hash) VALUES (:user_id, :username, :password_hash)
    ON CONFLICT DO NOTHING
""")
_BY_NAME: Final = text("""
    SELECT account.user_id, account.password_hash FROM local_accounts account
      JOIN users u ON u.id = account.user_id
     WHERE account.username = :username AND u.erasing_since IS NULL
""")
_BY_USER: Final = text("SELECT username, password_hash FROM local_accounts WHERE user_id = :user_id")
# Whoever changed it meanwhile keeps what they chose. The same password with a new hash is no change of it.
_REPLACE: Final = text("""
    UPDATE local_accounts
       SET password_hash = :password_hash,
           changed_at = CASE WHEN :is_new THEN clock_timestamp() ELSE changed_at END
     WHERE user_id = :user_id AND password_hash = :former
""")
# Neither goes away, or gets another password, until the transaction ends that lets somebody in. Whoever gives
# them another password locks the user first, too.
_HOLD_USER: Final = text("""
    SELECT FROM users WHERE id = :user_id AND erasing_since IS NULL FOR NO KEY UPDATE
""")
_HOLD_PASSWORD: Final = text("""
    SELECT FROM local_accounts WHERE user_id = :user_id AND password_hash = :password_hash FOR SHARE
""")


class UsernameTakenError(ConflictError):
    """Somebody else has this name."""

    code = "username_taken"

    def __init__(self) -> None:
        super().__init__("Somebody has this name already. Choose another one.")


class NoPasswordError(ConflictError):
    """This user signs in through a provider and has no password here."""

    code = "no_password"

    def __init__(self) -> None:
        super().__init__("This account has no password: it signs in through another service.")


@dataclass(frozen=True, repr=False)
class Credentials:
    """A name and the hash of a password that both may be used, ready to be stored."""

    username: str
    password_hash: str


@dataclass(frozen=True, repr=False)
class CheckedPassword:
    """Whose name and password were right, and by which hash: it may be another one by now."""

    user_id: UUID
    password_hash: str


@dataclass(frozen=True)
class WrongPassword:
    """Name and password do not go together. Whose name it is, the audit log alone may learn."""

    user_id: UUID | None


def new_credentials(username: str, password: SecretStr) -> Credentials:
    """Check and hash what somebody chose. It takes some 50 ms: do it before a transaction, not in one.

    Raises:
        InvalidInputError: the name or the password cannot be used; its field says which.
    """
    name = new_username(username)
    check_new_password(password, username=name)
    return Credentials(username=name, password_hash=hash_password(password))


def create_account(
    tx: Transaction,
    credentials: Credentials,
    *,
    role: UserRole,
    display_name: str | None = None,
    timezone: str = "UTC",
) -> UUID:
    """A new user who signs in with this name and password. Of two at once with one name, one gets it.

    To be done as AUTHENTICATION.

    Raises:
        UsernameTakenError: somebody else has the name; nothing of this transaction may be kept.
        InvalidInputError: the timezone is unknown.
    """
    user_id = create_user(tx, role=role, display_name=display_name, timezone=timezone)
    claim = {
        "user_id": user_id,
        "username": credentials.username,
        "password_hash": credentials.password_hash,
    }
    if not rows_changed(tx.session, _CLAIM, claim):
        raise UsernameTakenError
    return user_id


def check_password(database: Database, username: str, password: SecretStr) -> CheckedPassword | WrongPassword:
    """Whose name and password these are. A wrong password and an unknown name take the same work.

    No transaction is open meanwhile, so whoever lets somebody in asks `still_counts` in theirs. A hash with
    outdated parameters is renewed.
    """
    with database.transaction(acting_for=AUTHENTICATION) as tx:
        found: Row[Any] | None = tx.session.execute(
            _BY_NAME, {"username": normalised_username(username)}
        ).one_or_none()
    if not is_password(password, None if found is None else found.password_hash) or found is None:
        return WrongPassword(None if found is None else found.user_id)
    if not is_outdated(found.password_hash):
        return CheckedPassword(found.user_id, found.password_hash)
    renewed = hash_password(password)
    with database.transaction(acting_for=AUTHENTICATION) as tx:
        done = _replace(tx, found.user_id, found.password_hash, renewed, is_new=False)
    # Somebody else renewed or changed it a moment ago, and what they stored is not outdated.
    return CheckedPassword(found.user_id, renewed) if done else check_password(database, username, password)


def still_counts(tx: Transaction, checked: CheckedPassword) -> bool:
    """Whether the password is still the one that was checked; if so, it stays that until `tx` ends.

    To be asked as AUTHENTICATION, in the transaction that begins a session: whoever changes the password
    meanwhile ends that session, too.
    """
    parameters = {"user_id": checked.user_id, "password_hash": checked.password_hash}
    return (
        tx.session.execute(_HOLD_USER, {"user_id": checked.user_id}).one_or_none() is not None
        and tx.session.execute(_HOLD_PASSWORD, parameters).one_or_none() is not None
    )


def username_of(tx: Transaction, user_id: UUID) -> str | None:
    """The name that this user signs in with; None where they have no password here."""
    account = tx.session.execute(_BY_USER, {"user_id": user_id}).one_or_none()
    return None if account is None else str(account.username)


def change_password(
    database: Database,
    audit: AuditLog,
    user_id: UUID,
    *,
    current: SecretStr,
    new: SecretStr,
    kept_session: UUID | None,
    origin: Origin | None = None,
) -> None:
    """Put `new` in place of `current`, and end every other session of this user, and every link to a new one.

    A wrong `current` is put down in the audit log.

    Raises:
        NoPasswordError: there is none to be changed.
        InvalidInputError: `current` is not the password, or `new` cannot be one; its field says which.
    """
    actor = Actor.listener(user_id)
    with database.transaction(acting_for=actor) as tx:
        account: Row[Any] | None = tx.session.execute(_BY_USER, {"user_id": user_id}).one_or_none()
    if account is None:
        raise NoPasswordError
    if not is_password(current, account.password_hash):
        with database.transaction(acting_for=actor) as tx:
            audit.record(
                tx,
                AuditEvent.SIGN_IN_REFUSED,
                actor=actor,
                subject=user_id,
                details={"method": "password_change"},
                origin=origin,
            )
        raise InvalidInputError("This is not your password.", field="current_password")
    check_new_password(new, username=account.username)
    password_hash = hash_password(new)
    with database.transaction(acting_for=actor) as tx:
        lock_owner(tx, user_id)
        if not _replace(tx, user_id, account.password_hash, password_hash):
            raise _changed_meanwhile()
        end_links_of(tx, user_id)
        ended = end_all_sessions(tx, user_id, kept=kept_session)
        audit.record(
            tx,
            AuditEvent.PASSWORD_CHANGED,
            actor=actor,
            subject=user_id,
            details={"method": "password", "sessions": ended},
            origin=origin,
        )


def set_password(tx: Transaction, user_id: UUID, password_hash: str) -> int:
    """Put a new password in place of any other, and end every session; how many those were.

    For somebody who has proved by other means that they may; to be done by who has locked the user.
    `password_hash` is `hash_password`'s.

    Raises:
        NoPasswordError: this user has no local account.
    """
    account: Row[Any] | None = tx.session.execute(_BY_USER, {"user_id": user_id}).one_or_none()
    if account is None:
        raise NoPasswordError
    if not _replace(tx, user_id, account.password_hash, password_hash):
        raise _changed_meanwhile()
    return end_all_sessions(tx, user_id)


def _replace(tx: Transaction, user_id: UUID, former: str, password_hash: str, *, is_new: bool = True) -> bool:
    change = {"user_id": user_id, "former": former, "password_hash": password_hash, "is_new": is_new}
    return bool(rows_changed(tx.session, _REPLACE, change))


def _changed_meanwhile() -> ConflictError:
    return ConflictError("The password was changed a moment ago. Nothing was changed now.")
