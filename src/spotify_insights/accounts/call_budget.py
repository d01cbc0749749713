"""What this installation allows itself to ask of Spotify: so many calls a day, and none while it is refused.

Spotify counts the calls of the whole app against a quota that it does not publish, and refuses all of them
for hours once that is used up. So every call is reserved in the database before it is made, by all processes
together, and the first refusal of that kind stops them all. Days are UTC; moments are the database's clock.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from spotify_insights.database.actor import SYSTEM
from spotify_insights.database.database import Database
from spotify_insights.errors import SnoozeError
from spotify_insights.observability import get_logger
from spotify_insights.spotify.errors import InsufficientScopeError, QuotaExceededError

_log = get_logger(__name__)
_T = TypeVar("_T")

# Background work stops when this part of the day's calls is used, by whomever: the rest is for people.
BACKGROUND_PERCENT: Final = 90
# Nobody's clock needs to agree with ours to the second on when a day is over.
AFTER_MIDNIGHT: Final = timedelta(minutes=1)
# All who waited for the same moment must not ask in the same second.
SPREAD: Final = timedelta(minutes=5)
# Waits of up to 15 hours have been seen; whatever an answer claims, one call a day finds out.
LONGEST_PAUSE: Final = timedelta(days=1)

_RESERVE: Final = text("""
    INSERT INTO spotify_app_days AS known (client_id, day, calls)
    SELECT CAST(:client_id AS text), (clock_timestamp() AT TIME ZONE 'UTC')::date, CAST(:calls AS integer)
     WHERE :calls <= :most
       AND NOT EXISTS (SELECT 1 FROM spotify_app_pauses
                        WHERE client_id = :client_id AND not_before > clock_timestamp())
        ON CONFLICT (client_id, day) DO UPDATE SET calls = known.calls + excluded.calls
     WHERE known.calls + excluded.calls <= :most
 RETURNING day
""")
_GIVE_BACK: Final = text("""
    UPDATE spotify_app_days SET calls = greatest(calls - :calls, 0)
     WHERE client_id = :client_id AND day = :day
""")
_PAUSE: Final = text("""
    INSERT INTO spotify_app_pauses AS known (client_id, not_before, reason)
    VALUES (:client_id, clock_timestamp() + least(:wait, :longest), :reason)
        ON CONFLICT (client_id) DO UPDATE
       SET not_before = greatest(known.not_before, excluded.not_before), reason = excluded.reason
 RETURNING not_before
""")
_STATE: Final = text("""
    SELECT coalesce((SELECT calls FROM spotify_app_days
                      WHERE client_id = :client_id AND day = (clock_timestamp() AT TIME ZONE 'UTC')::date), 0)
           AS calls_today,
           pause.not_before AS paused_until,
           pause.not_before - clock_timestamp() AS pause_left,
           (date_trunc('day', clock_timestamp() AT TIME ZONE 'UTC') + interval '1 day')
             - clock_timestamp() AT TIME ZONE 'UTC' AS day_left
      FROM (SELECT) AS nothing
      LEFT JOIN spotify_app_pauses pause
        ON pause.client_id = :client_id AND pause.not_before > clock_timestamp()
""")


class Purpose(StrEnum):
    """For whom a call is made: `ASKED_FOR` may use the whole budget, `BACKGROUND` a share of it."""

    ASKED_FOR = "asked_for"
    BACKGROUND = "background"


class CallBudgetSpentError(SnoozeError):
    """Today's calls are used up, or the share of them that background work may use."""

    code = "spotify_calls_used_up"

    def __init__(self, *, purpose: Purpose, wait: timedelta) -> None:
        super().__init__(
            "The calls to Spotify that this installation allows itself in a day are used up; this goes on by "
            "itself after midnight UTC. The operator may raise SPOTIFY_CALLS_PER_DAY."
            if purpose is Purpose.ASKED_FOR
            else "Background work has used up its share of today's calls to Spotify; the rest is kept for "
            "what listeners ask for. This goes on by itself after midnight UTC.",
            wait=wait,
        )


class AppPausedError(SnoozeError):
    """Spotify has refused the whole app for a while; nothing was asked."""

    code = "spotify_app_paused"

    def __init__(self, *, until: datetime, wait: timedelta) -> None:
        super().__init__(
            "Spotify refuses all calls of this installation's app for now; this goes on by itself after "
            f"{until.astimezone(UTC):%Y-%m-%d %H:%M} UTC.",
            wait=wait,
        )


@dataclass(frozen=True)
class SpotifyAppState:
    """Calls reserved today (UTC), and until when Spotify refuses the app (None: it does not)."""

    calls_today: int
    paused_until: datetime | None


def spotify_app_state(session: Session, client_id: str) -> SpotifyAppState:
    """How the app stands at this moment; the budget it is measured against is a setting."""
    row = session.execute(_STATE, {"client_id": client_id}).one()
    return SpotifyAppState(calls_today=row.calls_today, paused_until=row.paused_until)


class CallBudget:
    """The calls of one app, shared by all threads and processes through the database."""

    def __init__(self, database: Database, *, client_id: str, calls_per_day: int) -> None:
        self._database = database
        self._client_id = client_id
        self._calls_per_day = calls_per_day

    def reserve(self, calls: int, *, purpose: Purpose) -> date:
        """Take so many calls out of today's budget, all or none; the day they count for.

        Raises:
            AppPausedError: Spotify refuses the app for now.
            CallBudgetSpentError: there is not enough left today for this purpose.
        """
        parameters = {"client_id": self._client_id, "calls": calls, "most": self._most(purpose)}
        while True:
            with self._database.transaction(acting_for=SYSTEM) as tx:
                day: date | None = tx.session.scalar(_RESERVE, parameters)
                if day is not None:
                    return day
                state = self._state(tx.session)
            _refuse_while_paused(state)
            if state.calls_today + calls > self._most(purpose):
                raise CallBudgetSpentError(
                    purpose=purpose, wait=state.day_left + AFTER_MIDNIGHT + _some_time()
                )
            # What stood in the way ended between the two statements: the next attempt succeeds.

    def give_back(self, calls: int, *, day: date) -> None:
        """Return reserved calls that were not made."""
        with self._database.transaction(acting_for=SYSTEM) as tx:
            tx.session.execute(_GIVE_BACK, {"client_id": self._client_id, "calls": calls, "day": day})

    def room(self, session: Session, *, purpose: Purpose) -> int:
        """How many calls could be reserved at this moment: none while the app is paused."""
        state = spotify_app_state(session, self._client_id)
        if state.paused_until is not None:
            return 0
        return max(0, self._most(purpose) - state.calls_today)

    def check_not_paused(self) -> None:
        """Return if Spotify may be asked.

        Raises:
            AppPausedError: it refuses the app for now.
        """
        with self._database.transaction(acting_for=SYSTEM) as tx:
            state = self._state(tx.session)
        _refuse_while_paused(state)

    def pause(self, refusal: QuotaExceededError) -> None:
        """Let nobody ask before the time that Spotify named; a longer pause that stands already stays."""
        pause = {
            "client_id": self._client_id,
            "wait": refusal.retry_after,
            "longest": LONGEST_PAUSE,
            "reason": refusal.code,
        }
        with self._database.transaction(acting_for=SYSTEM) as tx:
            until: datetime = tx.session.execute(_PAUSE, pause).scalar_one()
        _log.warning("spotify_app_paused", until=until.isoformat(), reason=refusal.code)

    def _most(self, purpose: Purpose) -> int:
        percent = 100 if purpose is Purpose.ASKED_FOR else BACKGROUND_PERCENT
        return self._calls_per_day * percent // 100

    def _state(self, session: Session) -> Row[Any]:
        return session.execute(_STATE, {"client_id": self._client_id}).one()


class ReservedCalls:
    """The calls of one piece of work: reserved together at the beginning, given back at the end if not made.

    A process that dies in between leaves its calls counted: the budget errs towards fewer calls.

    Raises: as `CallBudget.reserve`, when the block is entered.
    """

    def __init__(self, budget: CallBudget, calls: int, *, purpose: Purpose) -> None:
        self._budget = budget
        self.purpose = purpose
        self._left = calls

    def __enter__(self) -> Self:
        self._day = self._budget.reserve(self._left, purpose=self.purpose)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._left:
            self._budget.give_back(self._left, day=self._day)

    def make(self, call: Callable[[], _T]) -> _T:
        """Make one call; what goes beyond the reservation is reserved now.

        Raises:
            AppPausedError, CallBudgetSpentError: as `CallBudget.reserve`; nothing was asked.
            QuotaExceededError: Spotify refuses the app, as everybody knows from now on.
            InsufficientScopeError: where that is known without asking, the call is not used up.
        """
        if self._left:
            self._budget.check_not_paused()
            self._left -= 1
        else:
            self._budget.reserve(1, purpose=self.purpose)
        try:
            return call()
        except QuotaExceededError as refusal:
            self._budget.pause(refusal)
            raise
        except InsufficientScopeError as refusal:
            if refusal.missing:
                self._left += 1
            raise


def _refuse_while_paused(state: Row[Any]) -> None:
    if state.paused_until is not None:
        raise AppPausedError(until=state.paused_until, wait=state.pause_left + _some_time())


def _some_time() -> timedelta:
    return SPREAD * random.random()  # noqa: S311  # spreads load, guards nothing
