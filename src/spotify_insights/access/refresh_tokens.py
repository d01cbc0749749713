"""Refresh tokens: a family that begins with a key or password, and goes on with a new token at each use.

A token is used once. Whoever presents it again much later holds a copy, or somebody else does: the family
ends for both (RFC 9700, section 4.14.2). Within ten seconds it is a client that lost the answer, and gets the
same next token again: the next one is derived from the one before it and a key of the installation, so a
family never has two tokens that work, and no copy goes unnoticed.
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from pydantic import SecretStr
from sqlalchemy import Row, text

from spotify_insights.access.derived_key import derived_key
from spotify_insights.access.owner import effective_scopes
from spotify_insights.access.scopes import Scope
from spotify_insights.access.sessions import hash_of, shortened_address, shortened_user_agent
from spotify_insights.database.database import Transaction
from spotify_insights.database.table import new_id
from spotify_insights.errors import UnauthenticatedError
from spotify_insights.installation.secrets import InstallationSecrets, SecretName

LIFE_DAYS: Final = 30
FAMILY_DAYS: Final = 365
GRACE_SECONDS: Final = 10
_VALUE_BYTES: Final = 32

# The key is held while its family is made: revoking it waits, and then ends this one, too.
_BEGIN_FOR_KEY: Final = text("""
    INSERT INTO sessions (id, user_id, kind, api_key_id, scopes, expires_at, address, user_agent)
    SELECT :id, k.user_id, 'token', k.id, CAST(:scopes AS text[]),
           least(k.expires_at, clock_timestamp() + make_interval(days => :days)), :address, :user_agent
      FROM (SELECT id, user_id, expires_at FROM api_keys
             WHERE id = :api_key_id AND user_id = :user_id AND revoked_at IS NULL
               AND expires_at > clock_timestamp() FOR SHARE) AS k
 RETURNING id
""")
_BEGIN: Final = text("""
    INSERT INTO sessions (id, user_id, kind, scopes, expires_at, address, user_agent)
    VALUES (:id, :user_id, 'token', CAST(:scopes AS text[]),
            clock_timestamp() + make_interval(days => :days), :address, :user_agent)
""")
_ADD: Final = text("""
    INSERT INTO refresh_tokens (id, session_id, user_id, token_hash, expires_at)
    SELECT :id, s.id, s.user_id, :token_hash, s.expires_at FROM sessions s WHERE s.id = :session_id
""")
_FAMILY_OF: Final = text("SELECT session_id FROM refresh_tokens WHERE token_hash = :token_hash")
# Whoever comes at the same moment with a token of the same family waits here.
_LOCK_FAMILY: Final = text("SELECT id FROM sessions WHERE id = :session_id FOR NO KEY UPDATE")
_READ: Final = text("""
    SELECT r.id, s.id AS session_id, s.user_id, s.scopes, u.role, u.erasing_since IS NOT NULL AS erasing,
           s.revoked_at IS NULL AND s.expires_at > clock_timestamp() AS family_stands,
           r.expires_at > clock_timestamp() AS lasts, r.used_at IS NULL AS unused,
           r.used_at > clock_timestamp() - make_interval(secs => :grace) AS just_used,
           EXISTS (SELECT 1 FROM refresh_tokens next
                    WHERE next.token_hash = :next_hash AND next.used_at IS NULL) AS next_is_unused
      FROM refresh_tokens r JOIN sessions s ON s.id = r.session_id JOIN users u ON u.id = s.user_id
     WHERE r.token_hash = :token_hash
""")
_USE: Final = text("UPDATE refresh_tokens SET used_at = clock_timestamp() WHERE id = :id")
_PROLONG: Final = text("""
    UPDATE sessions s
       SET last_seen_at = clock_timestamp(),
           expires_at = least(clock_timestamp() + make_interval(days => :days),
                              s.created_at + make_interval(days => :family_days),
                              (SELECT k.expires_at FROM api_keys k WHERE k.id = s.api_key_id))
     WHERE s.id = :session_id
""")
_END_FAMILY: Final = text("UPDATE sessions SET revoked_at = clock_timestamp() WHERE id = :session_id")


@dataclass(frozen=True)
class Family:
    """A family that goes on: `refresh_token` is its only one that works, `scopes` is what it may do now."""

    session_id: UUID
    user_id: UUID
    scopes: frozenset[Scope]
    refresh_token: SecretStr


@dataclass(frozen=True)
class Refused:
    """A refresh token that counts no longer. After `reuse` the family `session_id` of `user_id` has ended."""

    reuse: bool = False
    session_id: UUID | None = None
    user_id: UUID | None = None


class RefreshTokens:
    """Begins and continues families of tokens. Threads may share it.

    Args:
        secrets: they hold what the next token is derived with.
    """

    def __init__(self, secrets: InstallationSecrets) -> None:
        self._secrets = secrets

    def begin(
        self,
        tx: Transaction,
        user_id: UUID,
        *,
        scopes: Collection[Scope],
        api_key_id: UUID | None,
        address: str | None,
        user_agent: str | None,
    ) -> Family:
        """A new family for somebody who has just shown a key or password.

        Args:
            scopes: what the tokens may be used for.
            api_key_id: the row of the key; the family ends with it.
            address, user_agent: as in `start_session`.

        Raises:
            UnauthenticatedError: the key was revoked a moment ago.
        """
        session_id = new_id()
        begun = tx.session.execute(
            _BEGIN if api_key_id is None else _BEGIN_FOR_KEY,
            {
                "id": session_id,
                "user_id": user_id,
                "scopes": sorted(scope.value for scope in scopes),
                "days": LIFE_DAYS,
                "address": None if address is None else shortened_address(address),
                "user_agent": None if user_agent is None else shortened_user_agent(user_agent),
            }
            | ({} if api_key_id is None else {"api_key_id": api_key_id}),
        )
        if api_key_id is not None and begun.one_or_none() is None:
            raise UnauthenticatedError("This key was revoked or has ended.")
        value = secrets.token_urlsafe(_VALUE_BYTES)
        self._add(tx, session_id, value)
        return Family(
            session_id=session_id,
            user_id=user_id,
            scopes=frozenset(scopes),
            refresh_token=SecretStr(value),
        )

    def rotate(self, tx: Transaction, value: str) -> Family | Refused:
        """Take a refresh token in return for the next one. To be done as AUTHENTICATION.

        Safe to race: of any number of callers with the same token, all within ten seconds get the same next
        one. A refusal is no error, because `tx` must commit what was done about a copy.

        Raises:
            UnavailableError: the key is not known yet, and the database does not answer.
        """
        following = self._following(value)
        token_hash = hash_of(value)
        session_id = tx.session.execute(_FAMILY_OF, {"token_hash": token_hash}).scalar_one_or_none()
        if session_id is None:
            return Refused()
        tx.session.execute(_LOCK_FAMILY, {"session_id": session_id})
        row = tx.session.execute(
            _READ, {"token_hash": token_hash, "next_hash": hash_of(following), "grace": GRACE_SECONDS}
        ).one_or_none()
        if row is None or not row.family_stands:
            return Refused()
        if row.unused:
            return self._next(tx, row, following) if row.lasts else Refused()
        if row.just_used:
            # Once the next one is used, the answer was not lost, and there is nothing to give again.
            return _family(row, following) if row.next_is_unused else Refused()
        tx.session.execute(_END_FAMILY, {"session_id": row.session_id})
        return Refused(reuse=True, session_id=row.session_id, user_id=row.user_id)

    def _next(self, tx: Transaction, row: Row[tuple[object, ...]], following: str) -> Family:
        tx.session.execute(_USE, {"id": row.id})
        tx.session.execute(
            _PROLONG, {"session_id": row.session_id, "days": LIFE_DAYS, "family_days": FAMILY_DAYS}
        )
        self._add(tx, row.session_id, following)
        return _family(row, following)

    def _add(self, tx: Transaction, session_id: UUID, value: str) -> None:
        tx.session.execute(_ADD, {"id": new_id(), "session_id": session_id, "token_hash": hash_of(value)})

    def _following(self, value: str) -> str:
        key = derived_key(self._secrets.get(SecretName.ACCESS_TOKEN_KEY), "refresh token that follows v1")
        return _text(hmac.new(key, value.encode("utf-8", "surrogatepass"), hashlib.sha256).digest())


def _family(row: Row[tuple[object, ...]], refresh_token: str) -> Family:
    return Family(
        session_id=row.session_id,
        user_id=row.user_id,
        scopes=effective_scopes(row.role, row.scopes, erasing=row.erasing),
        refresh_token=SecretStr(refresh_token),
    )


def _text(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode("ascii").rstrip("=")
