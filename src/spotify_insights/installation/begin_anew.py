"""Going on without a key ring that is lost: what only it opened is given up, everything else stays.

Nobody gets anything back by this. Whoever has the ring, or a copy of it, starts with that instead.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from spotify_insights.database.database import Transaction, rows_changed
from spotify_insights.errors import ConflictError
from spotify_insights.installation.sealed_columns import SEALED_COLUMNS, SealedColumn
from spotify_insights.installation.secrets import SecretName
from spotify_insights.security.sealing import BrokenSealError, SealedText, Sealer

_LOCK_NOT_AVAILABLE: Final = "55P03"
_ROWS_AT_A_TIME: Final = 1000
_TABLES: Final = ", ".join(sorted({column.table for column in SEALED_COLUMNS}))
_LOST: Final = {
    "spotify_tokens": text("""
        UPDATE spotify_tokens
           SET status = 'reauth_required', sealed_access_token = NULL, sealed_refresh_token = NULL,
               version = version + 1, lease_token = NULL, lease_expires_at = NULL,
               updated_at = clock_timestamp()
         WHERE id = ANY(:ids)
    """),
    "listenbrainz_tokens": text("""
        UPDATE listenbrainz_tokens
           SET status = 'reauth_required', sealed_user_token = NULL, updated_at = clock_timestamp()
         WHERE id = ANY(:ids)
    """),
    "sign_in_attempts": text("DELETE FROM sign_in_attempts WHERE id = ANY(:ids)"),
}
_FORGET_SECRETS: Final = text("DELETE FROM installation_secrets WHERE id = ANY(:ids) RETURNING name")
_REVOKE_KEYS: Final = text("UPDATE api_keys SET revoked_at = clock_timestamp() WHERE revoked_at IS NULL")
_END_FAMILIES: Final = text("""
    UPDATE sessions SET revoked_at = clock_timestamp() WHERE kind = 'token' AND revoked_at IS NULL
""")


class NothingLostError(ConflictError):
    """The key ring opens everything that is stored."""

    code = "key_ring_opens_everything"

    def __init__(self) -> None:
        super().__init__("This key ring opens everything that is stored, so nothing is lost: just start.")


class StillInUseError(ConflictError):
    """Somebody writes secrets, so the service runs."""

    code = "installation_in_use"

    def __init__(self) -> None:
        super().__init__("Somebody is storing secrets just now. Stop every process of the service first.")


@dataclass(frozen=True)
class GivenUp:
    """What was given up: rows by table, the secrets of the installation by name, and what hung on those."""

    rows: dict[str, int] = field(default_factory=dict)
    secrets: frozenset[str] = frozenset()
    api_keys: int = 0
    token_families: int = 0

    @property
    def all_rows(self) -> int:
        """Rows that held something which does not open."""
        return sum(self.rows.values()) + len(self.secrets)


def begin_anew(tx: Transaction, sealer: Sealer) -> GivenUp:
    """Give up whatever the ring does not open, so that the service starts with it.

    Connections have to be made again, sign-ins that are on their way have to begin again, and secrets of the
    installation are made anew at the next start. What was hashed or signed with those is worth nothing any
    more: API keys are revoked and token families ended. Passwords, browsers' sessions and everybody's history
    stay.

    Args:
        tx: acts for the system, with the rights of a worker.

    Raises:
        NothingLostError: everything opens.
        StillInUseError: the service runs.
    """
    _keep_others_out(tx.session)
    lost: dict[str, set[UUID]] = {}
    for column in SEALED_COLUMNS:
        lost.setdefault(column.table, set()).update(_unopened(tx.session, sealer, column))
    if not any(lost.values()):
        raise NothingLostError
    rows = {
        table: rows_changed(tx.session, statement, {"ids": list(lost[table])})
        for table, statement in _LOST.items()
    }
    gone = frozenset(tx.session.scalars(_FORGET_SECRETS, {"ids": list(lost["installation_secrets"])}))
    return GivenUp(
        rows=rows,
        secrets=gone,
        api_keys=_ended(tx.session, _REVOKE_KEYS, because={SecretName.API_KEY_PEPPER} & gone),
        token_families=_ended(
            tx.session, _END_FAMILIES, because={SecretName.API_KEY_PEPPER, SecretName.ACCESS_TOKEN_KEY} & gone
        ),
    )


def _keep_others_out(session: Session) -> None:
    try:
        with session.begin_nested():
            session.execute(text("SET LOCAL lock_timeout = '2s'"))
            session.execute(text(f"LOCK TABLE {_TABLES} IN SHARE ROW EXCLUSIVE MODE"))
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", None) != _LOCK_NOT_AVAILABLE:
            raise
        raise StillInUseError from None


def _unopened(session: Session, sealer: Sealer, column: SealedColumn) -> Sequence[UUID]:
    """The rows whose value of this column does not open."""
    rows = session.execute(
        # Only constants are put together here.
        text(f"""
            SELECT id, {column.user} AS user_id, {column.column} AS sealed
              FROM {column.table} WHERE {column.column} IS NOT NULL
        """),  # noqa: S608
        execution_options={"yield_per": _ROWS_AT_A_TIME},
    )
    return [row.id for row in rows if not _opens(sealer, row, column)]


def _opens(sealer: Sealer, row: Any, column: SealedColumn) -> bool:
    try:
        sealer.open(SealedText(row.sealed), column.place(row.id, row.user_id))
    except BrokenSealError:
        return False
    return True


def _ended(session: Session, statement: Any, *, because: frozenset[str] | set[Any]) -> int:
    return rows_changed(session, statement, {}) if because else 0
