"""Secrets in every place where the product keeps them, and what became of them."""

import os
from collections import Counter
from pathlib import Path
from uuid import UUID, uuid4

from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.orm import Session

from makers import a_user
from spotify_insights.accounts.connect import store_tokens
from spotify_insights.database.actor import SYSTEM
from spotify_insights.installation.sealed_columns import SEALED_COLUMNS, SealedColumn
from spotify_insights.runtime import Runtime
from spotify_insights.security.sealing import SealedText, key_id_of

COLUMN_OF = {column.name: column for column in SEALED_COLUMNS}
_OTHER_ROWS = {
    "listenbrainz_tokens": "INSERT INTO listenbrainz_tokens (id, user_id, sealed_user_token, user_name)"
    " VALUES (:id, :user_id, :sealed, 'robin')",
    "sign_in_attempts": "INSERT INTO sign_in_attempts (id, provider, state_hash, browser_hash,"
    " sealed_code_verifier, next_path, user_id, expires_at)"
    " VALUES (:id, 'spotify', :id, 'browser', :sealed, '/', :user_id, clock_timestamp() + interval '10 min')",
    "installation_secrets": "INSERT INTO installation_secrets (id, name, sealed_value)"
    " VALUES (:id, 'something', :sealed)",
}


def a_secret_everywhere(runtime: Runtime) -> dict[str, str]:
    """One secret in each sealed column, as the features store it; which, by table and column."""
    user_id = a_user(runtime)
    secrets = {column.name: f"canary of {column.name}" for column in SEALED_COLUMNS}
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        store_tokens(
            tx,
            runtime.sealer,
            user_id,
            access_token=SecretStr(secrets["spotify_tokens.sealed_access_token"]),
            refresh_token=SecretStr(secrets["spotify_tokens.sealed_refresh_token"]),
            expires_in=3600,
        )
        for column in SEALED_COLUMNS:
            if column.table in _OTHER_ROWS:
                row = {"id": uuid4(), "user_id": user_id if column.has_user else None}
                place = column.place(row["id"], row["user_id"])  # type: ignore[arg-type]
                sealed = runtime.sealer.seal(SecretStr(secrets[column.name]), place)
                tx.session.execute(text(_OTHER_ROWS[column.table]), row | {"sealed": sealed})
    return secrets


def changed_long_ago(ring_file: Path) -> None:
    """Let the last change of the file be one that everybody has noticed, so that nobody waits for that."""
    os.utime(ring_file, (0, 0))


def opened(runtime: Runtime, column: SealedColumn) -> dict[UUID, str]:
    """What the rows of a column hold, by the rows' ids.

    Raises:
        BrokenSealError: one of them does not open.
    """
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        rows = _rows(tx.session, column)
    return {
        row_id: runtime.sealer.open(SealedText(sealed), column.place(row_id, user_id)).get_secret_value()
        for row_id, user_id, sealed in rows
    }


def sealed_with(runtime: Runtime) -> Counter[str | None]:
    """How many values each key has sealed."""
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        return Counter(
            key_id_of(sealed) for column in SEALED_COLUMNS for _, _, sealed in _rows(tx.session, column)
        )


def _rows(session: Session, column: SealedColumn) -> list[tuple[UUID, UUID | None, str]]:
    statement = f"SELECT id, {column.user}, {column.column} FROM {column.table}"  # noqa: S608  # constants
    return [
        (row_id, user_id, sealed) for row_id, user_id, sealed in session.execute(text(statement)) if sealed
    ]
