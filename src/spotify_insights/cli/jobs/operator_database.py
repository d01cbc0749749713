"""The database as an operator's command meets it: short transactions, and sentences for what goes wrong."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError

import spotify_insights.tables as _every_table_is_mapped  # noqa: F401  # foreign keys resolve
from spotify_insights.cli.which_database import WhichDatabase
from spotify_insights.database.actor import OPERATOR
from spotify_insights.database.database import Database, Transaction
from spotify_insights.database.role import DatabaseRole
from spotify_insights.errors import SetupError, UnavailableError

# What PostgreSQL says about a table or column that is not there, and about one that is not ours to use.
_NO_SUCH_TABLE = frozenset({"42P01", "42703"})
_NOT_ALLOWED = "42501"


class OperatorDatabase:
    """The chosen database; its address is asked for anew after a loss, because servers may move."""

    def __init__(self, which: WhichDatabase) -> None:
        self._which = which
        self._database: Database | None = None

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """A transaction of the operator's.

        Raises:
            UnavailableError: the database does not answer.
            SetupError: no database runs there, or it is not one of this version's.
        """
        if self._database is None:
            self._database = Database(
                self._which.url(),
                role=DatabaseRole.API,
                pool_size=1,
                application_name="spotify-insights jobs",
            )
        try:
            with self._database.transaction(acting_for=OPERATOR) as tx:
                yield tx
        except UnavailableError:
            self.close()
            raise
        except DBAPIError as error:
            sqlstate = getattr(error.orig, "sqlstate", None)
            if sqlstate in _NO_SUCH_TABLE:
                raise SetupError(
                    "This database does not have the schema of this version. "
                    "`spotify-insights up` brings its own up to date; with DATABASE_URL that is done by "
                    "`spotify-insights database upgrade`."
                ) from None
            if sqlstate == _NOT_ALLOWED:
                raise SetupError(
                    "The role of DATABASE_URL may not use the job table; name the role that the service uses."
                ) from None
            raise

    def explained(self, loss: UnavailableError) -> UnavailableError | SetupError:
        """The loss with its reason, where that can be found out by asking once more."""
        from spotify_insights.cli.given_servers import check_database  # noqa: PLC0415  (rarely needed)

        try:
            url = self._which.url()
            if self._which.is_given:
                check_database(url)
        except SetupError as reason:
            return reason
        return loss

    def close(self) -> None:
        """Let go of the connection."""
        if self._database is not None:
            self._database.close()
            self._database = None
