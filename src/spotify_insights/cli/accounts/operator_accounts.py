"""Services and keys, as the operator makes and ends them from the command line."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from uuid import UUID

import spotify_insights.tables as _every_table_is_mapped  # noqa: F401  # foreign keys resolve
from spotify_insights.access.api_keys import ApiKeys, CreatedKey, owner_of_key, revoke_key
from spotify_insights.access.scopes import SCOPES_OF_ROLE, Scope, UserRole
from spotify_insights.accounts.service_accounts import create_service
from spotify_insights.audit.event import AuditEvent
from spotify_insights.audit.record import AuditLog
from spotify_insights.audit.trail import AuditTrail
from spotify_insights.cli.keys.operator_keys import OperatorDatabase, OperatorKeys, operator_database
from spotify_insights.cli.terminal import complain, say
from spotify_insights.cli.which_database import WhichDatabase
from spotify_insights.database.actor import OPERATOR
from spotify_insights.database.database import Transaction
from spotify_insights.installation.secrets import InstallationSecrets
from spotify_insights.security.sealing import Sealer

_FIRST_KEY: Final = "First key"


class OperatorAccounts:
    """What the commands do, each in one transaction together with its audit record."""

    def __init__(self, database: OperatorDatabase, sealer: Sealer) -> None:
        secrets = InstallationSecrets(database.database, sealer)
        self._database = database
        self._keys = ApiKeys(secrets)
        self._trail = AuditTrail(AuditLog(secrets), OPERATOR)

    def create_service(self, name: str, *, days: int) -> None:
        """Make a service with a first key that has all its scopes."""
        with self._database.transaction() as tx:
            user_id = create_service(tx, name)
            self._trail.record(
                tx,
                AuditEvent.ACCOUNT_CREATED,
                subject=user_id,
                details={"role": UserRole.SERVICE.value},
            )
            key = self._create(
                tx, user_id, name=_FIRST_KEY, scopes=SCOPES_OF_ROLE[UserRole.SERVICE], days=days
            )
        complain(f"Created the service {name} with the user id {user_id}.")
        _show(key)

    def create_key(self, user_id: UUID, *, name: str, scopes: frozenset[Scope], days: int) -> None:
        """Make a key for a user or service."""
        with self._database.transaction() as tx:
            key = self._create(tx, user_id, name=name, scopes=scopes, days=days)
        _show(key)

    def revoke_key(self, key_id: str) -> None:
        """End a key, whoever it belongs to."""
        with self._database.transaction() as tx:
            user_id = owner_of_key(tx, key_id)
            revoke_key(tx, user_id, key_id, trail=self._trail)
        say(f"The key {key_id} is revoked.")

    def _create(
        self, tx: Transaction, user_id: UUID, *, name: str, scopes: frozenset[Scope], days: int
    ) -> CreatedKey:
        return self._keys.create(
            tx,
            user_id,
            name=name,
            scopes=scopes,
            allowed=frozenset(Scope),
            days=days,
            trail=self._trail,
        )


@contextmanager
def operator_accounts(data_dir: Path | None, *, demo: bool) -> Iterator[OperatorAccounts]:
    """The accounts of the chosen database.

    Raises:
        SetupError: there is no such key ring or database.
        UnavailableError: the database does not answer.
    """
    which = WhichDatabase(data_dir=data_dir, demo=demo)
    sealer = Sealer(OperatorKeys.of(which).source)
    with operator_database(which) as database:
        yield OperatorAccounts(database, sealer)


def _show(key: CreatedKey) -> None:
    # What is for people goes to standard error, so that `… > file` keeps the key and nothing else.
    complain(
        f"The key {key.key_id} ends on {key.expires_at:%Y-%m-%d}. It is shown this once; "
        "keep it like a password:"
    )
    sys.stdout.write(f"{key.secret.get_secret_value()}\n")
    sys.stdout.flush()
