"""Asking for an ingestion."""

from uuid import UUID

from spotify_insights.accounts.erasing import refuse_if_erasing
from spotify_insights.accounts.queries import connection_status, timezone_of
from spotify_insights.database.database import Transaction
from spotify_insights.errors import ConflictError, InvalidInputError
from spotify_insights.jobs.enqueue import enqueue
from spotify_insights.listening.jobs import IngestListeningData, TakeCalendarSnapshots
from spotify_insights.listening.time_range import CalendarRange, SnapshotRange


def request_ingestion(tx: Transaction, user_id: UUID, time_range: SnapshotRange) -> UUID:
    """Queue the ingestion and return the id of its task; one that is under way already is joined.

    A calendar range is computed from the plays that we hold, and needs no connection.

    Raises:
        NotFoundError: there is no such user.
        ConflictError: the user's Spotify connection is missing or has ended, or they are being erased.
        InvalidInputError: a week was asked for, which is looked at when it is over.
    """
    refuse_if_erasing(tx.session, user_id)
    if time_range is CalendarRange.WEEK:
        raise InvalidInputError(
            "A week is looked back on when it is over: its snapshot comes with the weekly letter on Sunday. "
            "Ask for another range.",
            field="time_range",
        )
    if isinstance(time_range, CalendarRange):
        timezone_of(tx.session, user_id)
        return enqueue(tx, TakeCalendarSnapshots(user_id=user_id, time_range=time_range))
    status = connection_status(tx.session, user_id)
    if status is None:
        raise ConflictError("This listener is not connected to Spotify. Store their tokens first.")
    if status == "reauth_required":
        raise ConflictError("The connection to Spotify has ended. The listener has to authorise it again.")
    return enqueue(tx, IngestListeningData(user_id=user_id, time_range=time_range))
