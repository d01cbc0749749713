"""Adding to the audit log, in the transaction of the thing itself: neither is there without the other."""

import hashlib
import hmac
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text

from spotify_insights.audit.event import AuditEvent
from spotify_insights.database.actor import OPERATOR, Actor
from spotify_insights.database.database import Transaction
from spotify_insights.database.table import new_id
from spotify_insights.installation.secrets import InstallationSecrets, SecretName
from spotify_insights.observability import holds_a_secret

# Everything that a record may say besides who, what and when: few words, none of them anybody's own.
_WORDS: Final = frozenset(
    {
        *("reason", "provider", "method", "operation", "role", "former_role", "purpose", "kind", "outcome"),
        *("task_name", "error_code", "status", "registration", "key_id", "from_key", "to_key"),
    }
)
_COUNTS: Final = frozenset(
    {"count", "rows", "files", "bytes", "remaining", "days", "hours", "sessions", "keys", "limit"}
)
_CHOICES: Final = frozenset({"keep_uploads", "first", "all_sessions"})
_LISTS: Final = frozenset({"scopes", "missing_scopes", "key_ids"})
_LONGEST_WORD: Final = 100
_UUID: Final = re.compile(r"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}", re.IGNORECASE)

# Without RETURNING: hardly anybody who adds a record may read one.
_ADD: Final = """
    INSERT INTO audit_log (
           id, event, actor_role, actor_hash, subject_hash, target, request_id, address, details)
    SELECT :id, :event, :actor_role, :actor_hash, :subject_hash, :target, :request_id, :address,
           CAST(:details AS jsonb)
"""
_ADD_ONE: Final = text(_ADD)
_ADD_UNLESS_RECENT: Final = text(f"""{_ADD}
     WHERE NOT EXISTS (
           SELECT FROM audit_log recent
            WHERE recent.at > clock_timestamp() - interval '1 minute'
              AND recent.event = :event AND recent.actor_hash = :actor_hash
              AND recent.details = CAST(:details AS jsonb))
""")


@dataclass(frozen=True)
class Origin:
    """Where a request came from: its id, and its address shortened to the network (/24, IPv6 /48)."""

    request_id: str | None
    address: str | None


class AuditLog:
    """The log's one way in. Threads may share it.

    Args:
        secrets: they hold the pepper of the pseudonyms. Without the key file nobody can tell who is who.
    """

    def __init__(self, secrets: InstallationSecrets) -> None:
        self._secrets = secrets

    def pseudonym(self, user_id: UUID) -> str:
        """What stands for a person: HMAC-SHA256 of their id, the same for ever, in hexadecimal digits.

        Raises:
            UnavailableError: the pepper is not known yet, and the database does not answer.
        """
        pepper = self._secrets.get(SecretName.PSEUDONYM_PEPPER)
        return hmac.new(pepper, user_id.bytes, hashlib.sha256).hexdigest()

    def record(
        self,
        tx: Transaction,
        event: AuditEvent,
        *,
        actor: Actor,
        subject: UUID | None = None,
        target: str | None = None,
        details: Mapping[str, Any] | None = None,
        origin: Origin | None = None,
    ) -> None:
        """Add one record; it is stored when `tx` commits, by whichever actor `tx` acts for.

        Args:
            actor: who did it. A person becomes a pseudonym.
            subject: to whose things; becomes a pseudonym, too.
            target: what it was done to, where that is no person: a job's id, the public part of an API key.
            details: only names that are listed above, only values of their kind: never a secret, never an id
                of a person, never what somebody typed.

        Raises:
            ValueError: `target` or `details` hold what has no place in a log that is never changed.
        """
        if target is not None:
            _refuse_people_and_secrets("target", target, actor, subject)
        people = {"actor_hash": self._hash(actor.user_id), "subject_hash": self._hash(subject)}
        tx.session.execute(_ADD_ONE, _row(event, actor, target, details, origin) | people)

    def record_admin_read(
        self, tx: Transaction, operation: str, *, actor: Actor, origin: Origin | None = None
    ) -> None:
        """Record that an administrator looks at other people's things; once a minute for each operation.

        Args:
            actor: the administrator. `tx` acts for them, too: nobody else sees what was recorded before.
        """
        row = _row(AuditEvent.ADMIN_READ, actor, None, {"operation": operation}, origin)
        people = {"actor_hash": self._hash(actor.user_id), "subject_hash": None}
        tx.session.execute(_ADD_UNLESS_RECENT, row | people)

    def _hash(self, user_id: UUID | None) -> str | None:
        return None if user_id is None else self.pseudonym(user_id)


def record_of_operator(
    tx: Transaction,
    event: AuditEvent,
    *,
    target: str | None = None,
    details: Mapping[str, Any] | None = None,
) -> None:
    """Add a record of what the command line did. It concerns no person, so it takes no key file.

    Raises:
        ValueError: as `AuditLog.record`.
    """
    if target is not None:
        _refuse_people_and_secrets("target", target, OPERATOR, None)
    nobody = {"actor_hash": None, "subject_hash": None}
    tx.session.execute(_ADD_ONE, _row(event, OPERATOR, target, details, None) | nobody)


def _row(
    event: AuditEvent,
    actor: Actor,
    target: str | None,
    details: Mapping[str, Any] | None,
    origin: Origin | None,
) -> dict[str, object]:
    for name, value in (details or {}).items():
        _check_detail(name, value)
    return {
        "id": new_id(),
        "event": event.value,
        "actor_role": actor.role,
        "target": target,
        "request_id": None if origin is None else origin.request_id,
        "address": None if origin is None else origin.address,
        "details": json.dumps(dict(details or {})),
    }


def _refuse_people_and_secrets(name: str, value: str, actor: Actor, subject: UUID | None) -> None:
    people = {str(person) for person in (actor.user_id, subject) if person is not None}
    if value.lower() in people or holds_a_secret(value):
        raise ValueError(f"{name} names a person or a secret; the audit log keeps neither.")


def _check_detail(name: str, value: object) -> None:
    # The value stays out of the message: it may be what must not be seen.
    if name in _WORDS:
        fits = _is_word(value)
    elif name in _COUNTS:
        fits = isinstance(value, int) and not isinstance(value, bool)
    elif name in _CHOICES:
        fits = isinstance(value, bool)
    elif name in _LISTS:
        fits = (
            isinstance(value, Sequence)
            and not isinstance(value, str)
            and all(_is_word(word) for word in value)
        )
    else:
        raise ValueError(f"The audit log knows no detail called {name!r}.")
    if not fits:
        raise ValueError(f"The detail {name!r} has a value that the audit log does not keep.")


def _is_word(value: object) -> bool:
    return (
        isinstance(value, str)
        and len(value) <= _LONGEST_WORD
        and not _UUID.search(value)
        and not holds_a_secret(value)
    )
