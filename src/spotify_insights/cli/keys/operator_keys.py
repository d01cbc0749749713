"""Which key ring and which database an operator's command means."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy.exc import DBAPIError

from spotify_insights.cli.which_database import WhichDatabase
from spotify_insights.database.actor import SYSTEM
from spotify_insights.database.database import Database, Transaction
from spotify_insights.database.role import DatabaseRole
from spotify_insights.errors import SetupError, UnavailableError
from spotify_insights.installation.rotate import SETTLED_SECONDS
from spotify_insights.security.key_ring import KeyRing
from spotify_insights.security.key_source import GivenKeys, KeySource, WatchedKeyFile

_NO_SUCH_TABLE: Final = frozenset({"42P01", "42703"})


@dataclass(frozen=True)
class OperatorKeys:
    """The ring of an installation: the file it is in, or None where it is in TOKEN_KEYS; and its database."""

    file: Path | None
    which: WhichDatabase

    @classmethod
    def of(cls, which: WhichDatabase) -> "OperatorKeys":
        """The ring that the service with this database uses.

        Raises:
            SetupError: nothing says where it is, or two settings do.
        """
        # The demo takes nothing from the environment, so that it never meets real people's keys.
        given = {} if which.demo else os.environ
        file, ring = given.get("TOKEN_KEYS_FILE"), given.get("TOKEN_KEYS")
        if file and ring:
            raise SetupError("TOKEN_KEYS_FILE and TOKEN_KEYS are both set; leave one of them out.")
        if ring:
            return cls(None, which)
        if file:
            return cls(Path(file), which)
        if which.is_given:
            raise SetupError(
                "DATABASE_URL is set, and nothing says where its keys are. Set TOKEN_KEYS_FILE or TOKEN_KEYS "
                "as the service has it."
            )
        return cls(which.folder / "keys.json", which)

    @property
    def source(self) -> KeySource:
        """The ring as a process of the service reads it.

        Raises:
            SetupError: it is missing or not a key ring. Where there is no database either, that is told, for
                nobody has lost anything then.
            UnavailableError: it is missing, and the database does not answer.
        """
        if self.file is None:
            return GivenKeys(self.given)
        if not self.file.exists():
            with operator_database(self.which) as database, database.transaction():
                pass
        return WatchedKeyFile(self.file)

    @property
    def given(self) -> KeyRing:
        """The ring of TOKEN_KEYS."""
        return KeyRing.from_json(os.environ.get("TOKEN_KEYS", ""), source="The setting TOKEN_KEYS")

    def settled_in(self) -> float:
        """In how many seconds every process has noticed the last change of the file; never negative."""
        if self.file is None:
            return 0.0
        passed = time.time() - self.file.stat().st_mtime
        return min(max(SETTLED_SECONDS - passed, 0.0), SETTLED_SECONDS)


class OperatorDatabase:
    """The database with the rights of a worker, which sees everybody's sealed values."""

    def __init__(self, which: WhichDatabase) -> None:
        self.database = Database(
            which.url(), role=DatabaseRole.WORKER, pool_size=1, application_name="spotify-insights keys"
        )

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        with self.database.transaction(acting_for=SYSTEM) as tx:
            yield tx


@contextmanager
def operator_database(which: WhichDatabase) -> Iterator[OperatorDatabase]:
    """The database, closed at the end of the block.

    Raises:
        SetupError: no database runs there, or it is not one of this version's.
        UnavailableError: it does not answer.
    """
    opened = OperatorDatabase(which)
    try:
        yield opened
    except UnavailableError:
        if which.is_given:
            from spotify_insights.cli.given_servers import check_database  # noqa: PLC0415  (rarely needed)

            check_database(which.url())
        raise
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) in _NO_SUCH_TABLE:
            raise SetupError(
                "This database does not have the schema of this version. `spotify-insights up` brings its "
                "own up to date; with DATABASE_URL that is done by `spotify-insights database upgrade`."
            ) from None
        raise
    finally:
        opened.database.close()
