"""Whose history an operator's command is about, and where it is: also that of an `up` that is not running."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Final, Self, TypeVar
from uuid import UUID

import spotify_insights.tables as _every_table_is_mapped  # noqa: F401  # foreign keys resolve
from spotify_insights.accounts.erasing import refuse_if_erasing
from spotify_insights.accounts.queries import known_listeners
from spotify_insights.cache.cache import Cache
from spotify_insights.cache.keys import listener_scope
from spotify_insights.cli.keys.operator_keys import operator_database
from spotify_insights.cli.terminal import complain
from spotify_insights.cli.which_database import WhichDatabase
from spotify_insights.database.actor import SYSTEM, Actor
from spotify_insights.database.database import Database, Transaction
from spotify_insights.errors import ConflictError, InvalidInputError, SetupError
from spotify_insights.jobs.privacy import has_active_job
from spotify_insights.listening.hold_history import HistoryBusyError
from spotify_insights.listening.jobs import PurgeDisconnectedData

# Deciding anew which of half a million plays count is one statement.
_PATIENCE_SECONDS: Final = 600.0
_LONGEST_WAIT_SECONDS: Final = 60.0
_MOST_NAMED: Final = 20
_Result = TypeVar("_Result")


@dataclass(frozen=True)
class History:
    """One listener's history in the database that was chosen."""

    database: Database
    user_id: UUID
    cache: Cache | None

    @classmethod
    def of(cls, database: Database, user: UUID | None, cache: Cache | None) -> Self:
        """The history of `user`, or of the only listener.

        Raises:
            InvalidInputError: there is no such listener, or several are there and none was named.
            ConflictError: they are leaving, or what they disconnected is still being deleted.
        """
        with database.transaction(acting_for=SYSTEM) as tx:
            known = known_listeners(tx.session)
        if user is None and len(known) == 1:
            user = known[0].user_id
        if user not in {listener.user_id for listener in known}:
            raise InvalidInputError(_which([f"{each.user_id}  {each.name}" for each in known]), field="user")
        with database.transaction(acting_for=Actor.listener(user)) as tx:
            refuse_if_erasing(tx.session, user)
            if has_active_job(tx.session, user, PurgeDisconnectedData.task_name):
                raise ConflictError(
                    "What an earlier connection brought is still being deleted. Try again in a few minutes."
                )
        return cls(database, user, cache)

    def changed_in(self, tx: Transaction) -> None:
        """What a running service holds of this listener is not used any more once `tx` has ended."""
        if self.cache is not None:
            self.cache.invalidate(tx, [listener_scope(self.user_id)])


@contextmanager
def history_of(which: WhichDatabase, user: UUID | None) -> Iterator[History]:
    """The history; the servers of an `up` that is not running are started for as long.

    Raises:
        SetupError: there is no such database, or it is in use by somebody who does not answer.
        UnavailableError: it does not answer.
        InvalidInputError, ConflictError: as `History.of`.
    """
    with ExitStack() as stack:
        try:
            which.url()
        except SetupError:
            if which.is_given or not which.folder.joinpath("postgres").is_dir():
                raise
            complain("Nothing runs with this data folder; its database is started for this.")
            _start(which, stack)
        cache_url = which.cache_url()
        cache = None if cache_url is None else Cache(cache_url)
        if cache is not None:
            stack.callback(cache.close)
        opened = stack.enter_context(operator_database(which))
        yield History.of(opened.database.with_patience(_PATIENCE_SECONDS), user, cache)


def _start(which: WhichDatabase, stack: ExitStack) -> None:
    # Megabytes that an import into a running database does not need.
    from spotify_insights.database.upgrade import upgrade_database  # noqa: PLC0415  (rarely needed)
    from spotify_insights.embedded.servers import running_servers  # noqa: PLC0415  (rarely needed)

    servers = stack.enter_context(running_servers(which.folder))
    upgrade_database(servers.database_url)


def when_free(action: Callable[[], _Result]) -> _Result:
    """What `action` gives, as soon as nobody else is changing this history.

    Raises:
        HistoryBusyError: somebody still was after a minute.
    """
    until = time.monotonic() + _LONGEST_WAIT_SECONDS
    while True:
        try:
            return action()
        except HistoryBusyError:
            if time.monotonic() > until:
                raise ConflictError(
                    "Another job has been changing this history for a while. Try again when it is done."
                ) from None
            time.sleep(0.5)


def _which(known: list[str]) -> str:
    if not known:
        return "Nobody is registered here yet. Register somebody first, or sign in with a browser once."
    shown = known[:_MOST_NAMED]
    if len(known) > len(shown):
        shown.append(f"… and {len(known) - len(shown)} more")
    return "\n  ".join(["Say with --user whose history it is. These listeners are here:", *shown])
