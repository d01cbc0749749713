"""What a listener may have made for them in one day: counted with the order, in its transaction."""

from datetime import timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ColumnElement, Date, Interval, cast, func, select
from sqlalchemy.dialects.postgresql import insert

from spotify_insights.accounts.models import DailyUsage
from spotify_insights.database.database import Transaction
from spotify_insights.errors import TooManyRequestsError


class Counted(StrEnum):
    """What is counted, each by itself."""

    INSIGHTS = "insights"


def take(tx: Transaction, user_id: UUID, kind: Counted, most: int) -> None:
    """Count one more of `kind` for this listener today; the day is UTC's, by the database's clock.

    It counts if and when `tx` commits. Others who order for the same listener wait until then, so that
    together they never get more than `most`. To be called late in a transaction, for that reason.

    Raises:
        TooManyRequestsError: it would be more than `most`. It says when the next day begins.
    """
    today = cast(func.timezone("UTC", func.clock_timestamp()), Date)
    taken = tx.session.scalar(
        insert(DailyUsage)
        .values(user_id=user_id, day=today, kind=kind, used=1)
        .on_conflict_do_update(
            index_elements=["user_id", "day", "kind"],
            set_={"used": DailyUsage.used + 1},
            where=DailyUsage.used < most,
        )
        .returning(DailyUsage.used)
    )
    if taken is None:
        wait = tx.session.scalars(select(_until_tomorrow())).one()
        raise TooManyRequestsError(
            f"This was ordered {most} times today, which is all that one day has for one listener. "
            "The next day begins at midnight UTC.",
            retry_after=wait,
        )


def _until_tomorrow() -> ColumnElement[timedelta]:
    now = func.timezone("UTC", func.clock_timestamp())
    return cast(func.date_trunc("day", now) + timedelta(days=1) - now, Interval)
