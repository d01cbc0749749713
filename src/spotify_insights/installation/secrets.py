"""Secrets that no operator has to set: each is made by whoever needs it first, and all processes agree on it.

They are sealed with the key ring, so a dump of the database does not hold them, and they stay the same when
the ring is rotated: what they have hashed or signed stays recognisable.
"""

import secrets
from enum import StrEnum
from typing import Final
from uuid import UUID

from pydantic import SecretStr
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from spotify_insights.database.actor import SYSTEM
from spotify_insights.database.database import Database
from spotify_insights.database.table import new_id
from spotify_insights.installation.models import InstallationSecret
from spotify_insights.security.sealing import NOBODY, SealedPlace, Sealer, key_id_of

_SECRET_BYTES: Final = 32
# One row by its primary key, which somebody's request may wait for.
_PATIENCE_SECONDS: Final = 4.0


class SecretName(StrEnum):
    """What each secret is for, and nothing else."""

    API_KEY_PEPPER = "api_key_pepper"
    ACCESS_TOKEN_KEY = "access_token_key"  # noqa: S105  # a name
    PSEUDONYM_PEPPER = "pseudonym_pepper"
    REQUEST_HASH_KEY = "request_hash_key"


class InstallationSecrets:
    """The secrets of one installation, kept in memory once they were read. Threads may share it."""

    def __init__(self, database: Database, sealer: Sealer) -> None:
        self._database = database.with_patience(_PATIENCE_SECONDS)
        self._sealer = sealer
        # Threads may read one twice; they read the same.
        self._known: dict[SecretName, bytes] = {}

    def get(self, name: SecretName) -> bytes:
        """The 32 random bytes of `name`. Asks the database once, in a transaction of its own.

        Raises:
            UnavailableError: the database does not answer.
            BrokenSealError: the key ring is not the one that the secret was sealed with.
        """
        known = self._known.get(name)
        if known is None:
            with self._database.transaction(acting_for=SYSTEM) as tx:
                known = self._found(tx.session, name) or self._made(tx.session, name)
            self._known[name] = known
        return known

    def is_known(self, name: SecretName) -> bool:
        """Whether `get` answers without asking the database."""
        return name in self._known

    def keys_that_are_lacking(self) -> list[str]:
        """The names of keys that secrets are sealed with and that the ring does not have."""
        with self._database.transaction(acting_for=SYSTEM) as tx:
            stored = tx.session.scalars(select(InstallationSecret.sealed_value)).all()
        named = {key_id for key_id in map(key_id_of, stored) if key_id is not None and key_id.isprintable()}
        return sorted(named - set(self._sealer.ring.keys))

    def _found(self, session: Session, name: SecretName) -> bytes | None:
        row = session.execute(
            select(InstallationSecret.id, InstallationSecret.sealed_value).where(
                InstallationSecret.name == name
            )
        ).one_or_none()
        if row is None:
            return None
        return bytes.fromhex(self._sealer.open(row.sealed_value, place_of(row.id)).get_secret_value())

    def _made(self, session: Session, name: SecretName) -> bytes:
        secret_id = new_id()
        fresh = SecretStr(secrets.token_hex(_SECRET_BYTES))
        session.execute(
            insert(InstallationSecret)
            .values(name=name, id=secret_id, sealed_value=self._sealer.seal(fresh, place_of(secret_id)))
            .on_conflict_do_nothing(index_elements=["name"])
        )
        # Whoever was faster made the one that counts.
        made = self._found(session, name)
        if made is None:
            raise RuntimeError(f"The secret {name} vanished while it was made.")
        return made


def place_of(secret_id: UUID) -> SealedPlace:
    """Where a secret is sealed: its row, which belongs to no person."""
    return SealedPlace(table="installation_secrets", column="sealed_value", row_id=secret_id, user_id=NOBODY)
