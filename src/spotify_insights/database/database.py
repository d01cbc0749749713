"""The one way to the database: a visible transaction that knows for whom it acts."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import psycopg
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import CursorResult, Engine, Executable, create_engine, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import Session, sessionmaker

from spotify_insights.database.actor import SET_ACTOR, Actor
from spotify_insights.errors import SetupError, UnavailableError
from spotify_insights.observability import get_logger

_log = get_logger(__name__)
_SET_ACTOR: Final = text(SET_ACTOR.replace("%(role)s", ":role").replace("%(user_id)s", ":user_id"))

DATABASE_SILENT = "The database does not answer. Nothing was changed; try again in a few seconds."


class Transaction:
    """What a `with database.transaction(...)` block works with: the session, and what follows its end."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._before_commit: list[Callable[[], None]] = []
        self._at_end: list[Callable[[], None]] = []

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

    Raises:
        SetupError: the address cannot be read; the sentence does not repeat it.
    """

    def __init__(self, url: str, *, pool_size: int = 10, application_name: str = "spotify-insights") -> None:
        if not _is_readable(url):
            raise SetupError(
                "DATABASE_URL cannot be read as the address of a PostgreSQL database. In its password, "
                "percent-encode special characters, for example %40 for @ and %25 for %."
            )
        self.url = url
        # libpq alone reads the address, so every process and tool understands it in the same way.
        self.engine: Engine = create_engine(
            "postgresql+psycopg://",
            # Two seconds are the least that libpq takes.
            creator=lambda: psycopg.connect(url, application_name=application_name, connect_timeout=2),
            pool_size=pool_size,
            max_overflow=pool_size,
            # Whoever waits longer would rather hear that it is too much just now.
            pool_timeout=1.5,
            pool_pre_ping=True,
            # Parameters are somebody's plays and sealed tokens: they have no place in a log.
            hide_parameters=True,
        )
        self._sessions = sessionmaker(self.engine, expire_on_commit=False)

    @contextmanager
    def transaction(self, *, acting_for: Actor) -> Iterator[Transaction]:
        """Everything inside commits together at the end of the block, or not at all.

        Args:
            acting_for: whose rows may be touched; set for row-level security, local to this transaction.

        Raises:
            UnavailableError: PostgreSQL cannot be reached or broke off. If that happened during the commit
                itself, the changes may or may not be stored; every caller is safe to repeat.
        """
        transaction: Transaction | None = None
        try:
            with self._sessions.begin() as session:
                session.execute(_SET_ACTOR, acting_for.parameters)
                transaction = Transaction(session)
                yield transaction
                transaction.run_before_commit()
        except (OperationalError, PoolTimeoutError) as error:
            raise UnavailableError(DATABASE_SILENT) from error
        except DBAPIError as error:
            if error.connection_invalidated:
                raise UnavailableError(DATABASE_SILENT) from error
            raise
        finally:
            if transaction is not None:
                transaction.run_at_end()

    def close(self) -> None:
        """Close all idle connections."""
        self.engine.dispose()


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
