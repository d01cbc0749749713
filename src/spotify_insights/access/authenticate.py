"""From what a request shows to who makes it: one statement for each kind of credential.

Nothing of an answer is kept: whoever is revoked is refused with their next request.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Self
from uuid import UUID

from sqlalchemy import text

from spotify_insights.access.access_tokens import AccessTokens
from spotify_insights.access.api_key_text import PREFIX, ApiKeyText, read_api_key_text
from spotify_insights.access.api_keys import ApiKeys
from spotify_insights.access.owner import effective_scopes
from spotify_insights.access.principal import Principal, PrincipalKind
from spotify_insights.access.scopes import UserRole
from spotify_insights.access.sessions import hash_of
from spotify_insights.database.database import Transaction
from spotify_insights.database.hot_read import HotRead
from spotify_insights.errors import UnauthenticatedError
from spotify_insights.installation.secrets import InstallationSecrets

_UNKNOWN: Final = "This credential is not known here, was revoked or has ended. Sign in again."
_MISTYPED: Final = "This API key is mistyped: its checksum does not fit."

# Every statement gives: credential, user, role, scopes, whether the user is being erased, whether the moment
# of last use is due to be written, and what the credential is compared with.
_BY_COOKIE: Final = """
    SELECT s.id, s.user_id, u.role, s.scopes, u.erasing_since IS NOT NULL,
           s.last_seen_at < clock_timestamp() - interval '1 minute', NULL::text
      FROM sessions s JOIN users u ON u.id = s.user_id
     WHERE s.token_hash = %(token_hash)s AND s.kind = 'browser' AND s.revoked_at IS NULL
       AND s.expires_at > clock_timestamp()
       AND s.last_seen_at > clock_timestamp() - make_interval(days => %(idle_days)s)
"""
_BY_FAMILY: Final = """
    SELECT s.id, s.user_id, u.role, s.scopes, u.erasing_since IS NOT NULL,
           s.last_seen_at < clock_timestamp() - interval '1 minute', NULL::text
      FROM sessions s JOIN users u ON u.id = s.user_id
     WHERE s.id = %(session_id)s AND s.user_id = %(user_id)s AND s.kind = 'token'
       AND s.revoked_at IS NULL AND s.expires_at > clock_timestamp()
"""
_BY_KEY_ID: Final = """
    SELECT k.id, k.user_id, u.role, k.scopes, u.erasing_since IS NOT NULL,
           coalesce(k.last_used_at < clock_timestamp() - interval '1 minute', true), k.secret_hash
      FROM api_keys k JOIN users u ON u.id = k.user_id
     WHERE k.key_id = %(key_id)s AND k.revoked_at IS NULL AND k.expires_at > clock_timestamp()
"""
# The condition once more: of many requests at once, one writes, and none waits for it.
_NOTE_SESSION: Final = text("""
    UPDATE sessions SET last_seen_at = clock_timestamp()
     WHERE id = (SELECT id FROM sessions
                  WHERE id = :id AND last_seen_at < clock_timestamp() - interval '1 minute'
                    FOR NO KEY UPDATE SKIP LOCKED)
""")
_NOTE_KEY: Final = text("""
    UPDATE api_keys SET last_used_at = clock_timestamp()
     WHERE id = (SELECT id FROM api_keys
                  WHERE id = :id AND coalesce(last_used_at < clock_timestamp() - interval '1 minute', true)
                    FOR NO KEY UPDATE SKIP LOCKED)
""")


@dataclass(frozen=True, repr=False)
class BearerToken:
    """What stands behind `Authorization: Bearer`: an API key or an access token."""

    text: str


@dataclass(frozen=True, repr=False)
class SessionCookie:
    """The value of the browser's session cookie."""

    text: str


Credential = BearerToken | SessionCookie


@dataclass(frozen=True)
class Recognised:
    """Who shows a credential, and whether `note_use` has anything to write for them."""

    principal: Principal
    use_is_due: bool


@dataclass(frozen=True, repr=False)
class Question:
    """What the database is asked about a credential, and what its answer is judged by."""

    kind: PrincipalKind
    read: HotRead
    key: ApiKeyText | None = None
    scopes: frozenset[str] | None = None


@dataclass(frozen=True)
class Authenticator:
    """Knows what this installation's credentials look like. Threads may share it."""

    api_keys: ApiKeys
    access_tokens: AccessTokens
    session_idle_days: int

    @classmethod
    def of_installation(
        cls, secrets: InstallationSecrets, *, public_url: str, session_idle_days: int
    ) -> Self:
        """The one that goes with these secrets; asks for none of them yet."""
        return cls(
            api_keys=ApiKeys(secrets),
            access_tokens=AccessTokens(secrets, public_url=public_url),
            session_idle_days=session_idle_days,
        )

    def is_ready_for(self, credential: Credential) -> bool:
        """Whether `question` and `recognised` answer without asking the database for a secret."""
        if isinstance(credential, SessionCookie):
            return True
        return self.api_keys.is_ready and self.access_tokens.is_ready

    def prepare(self) -> None:
        """Read the secrets, once.

        Raises:
            UnavailableError: the database does not answer.
        """
        self.api_keys.prepare()
        self.access_tokens.prepare()

    def question(self, credential: Credential) -> Question:
        """What to ask about `credential`, to be run as AUTHENTICATION: one statement.

        Raises:
            UnauthenticatedError: it cannot be a credential of ours, whatever the database holds.
        """
        if isinstance(credential, SessionCookie):
            return Question(
                PrincipalKind.SESSION,
                HotRead(
                    _BY_COOKIE,
                    {"token_hash": hash_of(credential.text), "idle_days": self.session_idle_days},
                ),
            )
        if credential.text.startswith(PREFIX):
            key = read_api_key_text(credential.text)
            if key is None:
                raise UnauthenticatedError(_MISTYPED)
            return Question(PrincipalKind.API_KEY, HotRead(_BY_KEY_ID, {"key_id": key.key_id}), key=key)
        claims = self.access_tokens.read(credential.text)
        if claims is None:
            raise UnauthenticatedError(_UNKNOWN)
        return Question(
            PrincipalKind.ACCESS_TOKEN,
            HotRead(_BY_FAMILY, {"session_id": claims.session_id, "user_id": claims.user_id}),
            scopes=claims.scopes,
        )

    def recognised(self, question: Question, row: Sequence[Any] | None) -> Recognised:
        """Who that is, from the row that the question's statement gave.

        Raises:
            UnauthenticatedError: it was revoked, has ended, or its secret is wrong.
        """
        if row is None:
            raise UnauthenticatedError(_UNKNOWN)
        credential_id, user_id, role, scopes, erasing, use_is_due, secret_hash = row
        if question.key is not None and not self.api_keys.matches(question.key, secret_hash):
            raise UnauthenticatedError(_UNKNOWN)
        granted = scopes if question.scopes is None else question.scopes & set(scopes)
        principal = Principal(
            kind=question.kind,
            user_id=user_id,
            role=UserRole(role),
            scopes=effective_scopes(role, granted, erasing=erasing),
            credential_id=credential_id,
        )
        return Recognised(principal, use_is_due=use_is_due)

    def recognise(self, tx: Transaction, credential: Credential) -> Recognised:
        """Both at once, inside a transaction as AUTHENTICATION.

        Raises:
            UnauthenticatedError: as `question` and `recognised`.
        """
        question = self.question(credential)
        connection = tx.session.connection()
        found = connection.exec_driver_sql(question.read.statement, dict(question.read.parameters))
        return self.recognised(question, found.one_or_none())


def note_use(tx: Transaction, kind: PrincipalKind, credential_id: UUID) -> None:
    """Write that a credential is in use, at most once a minute. To be done as AUTHENTICATION."""
    statement = _NOTE_KEY if kind is PrincipalKind.API_KEY else _NOTE_SESSION
    tx.session.execute(statement, {"id": credential_id})
