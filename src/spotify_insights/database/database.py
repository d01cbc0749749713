"""The one way to the database: a visible transaction that knows for whom it acts."""

import copy
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, Self, cast

import psycopg
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import CursorResult, Engine, Executable, create_engine, event, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import Session, sessionmaker

from spotify_insights.database.actor import SET_ACTOR, Actor
from spotify_insights.database.connection import SIGN_OF_LIFE_SECONDS, Connection, Connector
from spotify_insights.database.role import DatabaseRole
from spotify_insights.errors import SetupError, UnavailableError
from spotify_insights.observability import get_logger

_log = get_logger(__name__)
_SET_ACTOR: Final = SET_ACTOR.replace("%(role)s", ":role").replace("%(user_id)s", ":user_id")
_CONTINUE: Final = text(_SET_ACTOR)
_BEGIN: Final = text(f"{_SET_ACTOR}, set_config('statement_timeout', :statement_timeout, true)")

DATABASE_SILENT = "The database does not answer. Nothing was changed; try again in a few seconds."
COMMIT_UNANSWERED = (
    "The database fell silent while this was being stored, so it may be stored or not. "
    "Try again in a few seconds; repeating it does no harm."
)
CHANGES_MET = "Two changes met in the database, and this one was undone. Nothing was changed; try again."
DATABASE_READ_ONLY = (
    "The database can only be read just now, as while another server takes over. "
    "Nothing was changed; try again in a few seconds."
)

# For work in the background. A server that says nothing for so long says nothing at all.
PATIENCE_SECONDS: Final = 30.0
# The server gives a slow statement up a little earlier than we give up the server: then nobody goes on
# working, or waiting for a lock, for somebody who has left.
_SERVER_GIVES_UP_AT: Final = 0.9

_DEADLOCK_OR_SERIALIZATION: Final = frozenset({"40P01", "40001"})
_READ_ONLY: Final = "25006"
# Insufficient resources and an operator's intervention, such as a shutdown.
_AWAY_CLASSES: Final = ("53", "57")
# Transactions that the server ended because they took too long.
_AWAY: Final = frozenset({"25P03", "25P04"})


class Transaction:
    """What a `with database.transaction(...)` block works with: the session, and what follows its end."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._before_commit: list[Callable[[], None]] = []
        self._at_end: list[Callable[[], None]] = []

    def continue_as(self, actor: Actor) -> None:
        """Act for somebody else from here on: once a credential has shown who it is, only as that person."""
        self.session.flush()
        self.session.execute(_CONTINUE, actor.parameters)

    def before_commit(self, action: Callable[[], None]) -> None:
        """Run `action` when the block has ended well, just before its changes become visible."""
        self._before_commit.append(action)

    def at_end(self, action: Callable[[], None]) -> None:
        """Run `action` after commit or rollback. It must not raise; if it does, that is logged."""
        self._at_end.append(action)

    def run_before_commit(self) -> None:
        self.session.flush()
        for action in self._before_commit:
            action()

    def run_at_end(self) -> None:
        for action in self._at_end:
            try:
                action()
            except Exception:  # noqa: BLE001  # the changes are stored: nothing here may turn success into failure
                _log.exception("after_transaction_failed")


class Database:
    """Connections to one PostgreSQL, handed out as transactions. Safe to share between threads.

    Args:
        role: which of our roles its connections take; None for migrations, which own the tables.
        patience: how many seconds a server may leave one statement without an answer; None means for ever.

    Raises:
        SetupError: the address cannot be read; the sentence does not repeat it.
    """

    def __init__(
        self,
        url: str,
        *,
        role: DatabaseRole | None = None,
        pool_size: int = 10,
        application_name: str = "spotify-insights",
        patience: float | None = PATIENCE_SECONDS,
    ) -> None:
        if not _is_readable(url):
            raise SetupError(
                "DATABASE_URL cannot be read as the address of a PostgreSQL database. In its password, "
                "percent-encode special characters, for example %40 for @ and %25 for %."
            )
        self.url = url
        self._patience = patience
        # libpq alone reads the address, so every process and tool understands it in the same way.
        self.engine: Engine = create_engine(
            "postgresql+psycopg://",
            creator=Connector(url, application_name=application_name, role=role),
            pool_size=pool_size,
            max_overflow=pool_size,
            # Whoever waits longer would rather hear that it is too much just now.
            pool_timeout=1.5,
            pool_pre_ping=True,
            # Parameters are somebody's plays and sealed tokens: they have no place in a log.
            hide_parameters=True,
        )
        event.listen(self.engine, "checkout", self._lend)
        event.listen(self.engine, "checkin", _take_back)
        self._sessions = sessionmaker(self.engine, expire_on_commit=False)

    def with_patience(self, patience: float) -> Self:
        """The same connections, for somebody who waits so many seconds for the answer to a statement."""
        other = copy.copy(self)
        other._patience = patience  # noqa: SLF001  # one of ours
        return other

    @contextmanager
    def transaction(self, *, acting_for: Actor) -> Iterator[Transaction]:
        """Everything inside commits together at the end of the block, or not at all.

        Args:
            acting_for: whose rows may be touched; set for row-level security, local to this transaction.

        Raises:
            UnavailableError: PostgreSQL cannot be reached, broke off, fell silent, only reads or has no room
                left, or the changes met others in a deadlock. If the connection was lost during the commit
                itself, they may or may not be stored; every caller is safe to repeat.
        """
        transaction: Transaction | None = None
        committing = False
        try:
            with self._sessions.begin() as session:
                self._wait_patiently(session)
                session.execute(_BEGIN, acting_for.parameters | self._statement_timeout)
                transaction = Transaction(session)
                yield transaction
                transaction.run_before_commit()
                committing = True
        except PoolTimeoutError as error:
            raise UnavailableError(DATABASE_SILENT) from error
        except DBAPIError as error:
            sentence = _unavailable(error)
            if sentence is None:
                raise
            if committing and error.connection_invalidated:
                sentence = COMMIT_UNANSWERED
            raise UnavailableError(sentence) from error
        finally:
            if transaction is not None:
                transaction.run_at_end()

    def close(self) -> None:
        """Close all idle connections."""
        self.engine.dispose()

    def _lend(self, connection: Connection, *_: object) -> None:
        connection.patience = self._patience

    def _wait_patiently(self, session: Session) -> None:
        cast("Connection", session.connection().connection.dbapi_connection).patience = self._patience

    @property
    def _statement_timeout(self) -> dict[str, str]:
        seconds = (self._patience or 0) * _SERVER_GIVES_UP_AT
        return {"statement_timeout": f"{seconds * 1000:.0f}ms"}


def _take_back(connection: Connection | None, *_: object) -> None:
    # The next thing it is asked is whether it is still alive. Nothing is left of one that broke.
    if connection is not None:
        connection.patience = SIGN_OF_LIFE_SECONDS


def _unavailable(error: DBAPIError) -> str | None:
    """The sentence for a failure of the database itself; None for a fault of ours."""
    sqlstate: str = getattr(error.orig, "sqlstate", None) or ""
    if sqlstate in _DEADLOCK_OR_SERIALIZATION:
        return CHANGES_MET
    if sqlstate == _READ_ONLY:
        return DATABASE_READ_ONLY
    if (
        isinstance(error, OperationalError)
        or error.connection_invalidated
        or sqlstate.startswith(_AWAY_CLASSES)
        or sqlstate in _AWAY
    ):
        return DATABASE_SILENT
    return None


def _is_readable(url: str) -> bool:
    """Whether libpq reads the address as it is meant; else its complaints would quote the password."""
    try:
        conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        return False
    authority, _, path = url.partition("://")[2].partition("/")
    # A further "@" comes from a password, of which libpq would take the rest for host or database.
    return authority.count("@") <= 1 and "@" not in path.partition("?")[0]


def rows_changed(session: Session, statement: Executable, parameters: Mapping[str, Any]) -> int:
    """Run one INSERT, UPDATE or DELETE; the number of rows it touched."""
    result = session.execute(statement, parameters)
    if not isinstance(result, CursorResult):
        raise TypeError("Only a statement that changes rows has a number of them.")
    return result.rowcount
