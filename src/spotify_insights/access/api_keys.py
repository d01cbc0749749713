"""API keys for programs: shown once, kept as an HMAC, limited in what they may do and for how long."""

import hashlib
import hmac
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from pydantic import SecretStr
from sqlalchemy import text

from spotify_insights.access.api_key_text import ApiKeyText, new_api_key_text
from spotify_insights.access.owner import lock_owner
from spotify_insights.access.scopes import Scope
from spotify_insights.audit.event import AuditEvent
from spotify_insights.audit.trail import AuditTrail
from spotify_insights.database.database import Transaction, rows_changed
from spotify_insights.database.table import new_id
from spotify_insights.errors import ConflictError, InvalidInputError, NotFoundError
from spotify_insights.installation.secrets import InstallationSecrets, SecretName

MOST_KEYS: Final = 50
USUAL_DAYS: Final = 90
MOST_DAYS: Final = 366

_COUNT: Final = text("""
    SELECT count(*) FROM api_keys
     WHERE user_id = :user_id AND revoked_at IS NULL AND expires_at > clock_timestamp()
""")
_CREATE: Final = text("""
    INSERT INTO api_keys (id, user_id, key_id, name, secret_hash, scopes, expires_at)
    VALUES (:id, :user_id, :key_id, :name, :secret_hash, CAST(:scopes AS text[]),
            clock_timestamp() + make_interval(days => :days))
 RETURNING created_at, expires_at
""")
_REVOKE: Final = text("""
    UPDATE api_keys SET revoked_at = clock_timestamp()
     WHERE user_id = :user_id AND key_id = :key_id AND revoked_at IS NULL AND expires_at > clock_timestamp()
 RETURNING id
""")
_REVOKE_ALL: Final = text("""
    UPDATE api_keys SET revoked_at = clock_timestamp()
     WHERE user_id = :user_id AND revoked_at IS NULL AND expires_at > clock_timestamp()
""")
_OWNER: Final = text("SELECT user_id FROM api_keys WHERE key_id = :key_id")
_END_TOKENS: Final = text("""
    UPDATE sessions SET revoked_at = clock_timestamp()
     WHERE user_id = :user_id AND api_key_id = :api_key_id AND revoked_at IS NULL
""")


@dataclass(frozen=True)
class CreatedKey:
    """A key that was just made. `secret` is the whole text, and this is the only time that it can be had."""

    key_id: str
    secret: SecretStr
    name: str
    scopes: frozenset[Scope]
    created_at: datetime
    expires_at: datetime


class ApiKeys:
    """Makes and recognises keys of one installation. Threads may share it.

    Args:
        secrets: they hold the pepper, without which a stolen database tells nobody whether a guess is right.
    """

    def __init__(self, secrets: InstallationSecrets) -> None:
        self._secrets = secrets

    def create(
        self,
        tx: Transaction,
        user_id: UUID,
        *,
        name: str,
        scopes: Collection[Scope],
        allowed: Collection[Scope],
        days: int = USUAL_DAYS,
        trail: AuditTrail,
    ) -> CreatedKey:
        """Make a key for this user, and record that. To be done as somebody who sees their rows.

        Args:
            scopes: what the key may be used for, at least one.
            allowed: what its creator may do; a key gives nobody more than that.
            days: how long it lasts, at most MOST_DAYS.

        Raises:
            NotFoundError: there is no such user.
            InvalidInputError: no scopes, scopes that its creator or owner lacks, or too many days.
            ConflictError: they have MOST_KEYS keys already.
            UnavailableError: the pepper is not known yet, and the database does not answer.
        """
        possible = lock_owner(tx, user_id) & frozenset(allowed)
        _check_scopes(scopes, possible)
        if not 1 <= days <= MOST_DAYS:
            raise InvalidInputError(f"A key lasts 1 to {MOST_DAYS} days.", field="expires_in_days")
        if tx.session.execute(_COUNT, {"user_id": user_id}).scalar_one() >= MOST_KEYS:
            raise ConflictError(f"There may be {MOST_KEYS} keys at most. Revoke one that is not needed.")
        key = new_api_key_text()
        row = tx.session.execute(
            _CREATE,
            {
                "id": new_id(),
                "user_id": user_id,
                "key_id": key.key_id,
                "name": name,
                "secret_hash": self._hash_of(key),
                "scopes": sorted(scope.value for scope in scopes),
                "days": days,
            },
        ).one()
        trail.record(
            tx,
            AuditEvent.KEY_CREATED,
            subject=user_id,
            target=key.key_id,
            details={"scopes": sorted(scope.value for scope in scopes), "days": days},
        )
        return CreatedKey(
            key_id=key.key_id,
            secret=SecretStr(key.text),
            name=name,
            scopes=frozenset(scopes),
            created_at=row.created_at,
            expires_at=row.expires_at,
        )

    @property
    def is_ready(self) -> bool:
        """Whether `matches` answers without asking the database."""
        return self._secrets.is_known(SecretName.API_KEY_PEPPER)

    def prepare(self) -> None:
        """Read the pepper, once.

        Raises:
            UnavailableError: the database does not answer.
        """
        self._secrets.get(SecretName.API_KEY_PEPPER)

    def matches(self, key: ApiKeyText, secret_hash: str) -> bool:
        """Whether this is the key that was hashed; takes as long for a wrong one."""
        return hmac.compare_digest(self._hash_of(key), secret_hash)

    def _hash_of(self, key: ApiKeyText) -> str:
        pepper = self._secrets.get(SecretName.API_KEY_PEPPER)
        return hmac.new(pepper, f"{key.key_id}.{key.secret}".encode("ascii"), hashlib.sha256).hexdigest()


def revoke_key(tx: Transaction, user_id: UUID, key_id: str, *, trail: AuditTrail) -> None:
    """End a key of this user and every token that was given for it, and record that.

    It counts no more from the commit on.

    Raises:
        NotFoundError: they have no such key, or it is over.
    """
    api_key_id = tx.session.execute(_REVOKE, {"user_id": user_id, "key_id": key_id}).scalar_one_or_none()
    if api_key_id is None:
        raise _no_such_key()
    tx.session.execute(_END_TOKENS, {"user_id": user_id, "api_key_id": api_key_id})
    trail.record(tx, AuditEvent.KEY_REVOKED, subject=user_id, target=key_id)


def revoke_all_keys(tx: Transaction, user_id: UUID) -> int:
    """End every key of this user; how many those were. What was given for them are sessions, and ends apart.

    To be done before `access.sessions.end_all_sessions`: where tokens are just being given for a key, this
    waits, and they are there to be ended afterwards.
    """
    return rows_changed(tx.session, _REVOKE_ALL, {"user_id": user_id})


def owner_of_key(tx: Transaction, key_id: str) -> UUID:
    """Whose key that is. To be asked by who sees everybody's.

    Raises:
        NotFoundError: there is no such key.
    """
    user_id: UUID | None = tx.session.execute(_OWNER, {"key_id": key_id}).scalar_one_or_none()
    if user_id is None:
        raise _no_such_key()
    return user_id


def _no_such_key() -> NotFoundError:
    return NotFoundError("There is no such key.")


def _check_scopes(scopes: Collection[Scope], possible: Collection[Scope]) -> None:
    if not scopes:
        raise InvalidInputError("Name at least one scope.", field="scopes")
    beyond = sorted(scope.value for scope in scopes if scope not in possible)
    if beyond:
        raise InvalidInputError(
            f"A key can have no scope that its creator lacks, such as {beyond[0]}.", field="scopes"
        )
