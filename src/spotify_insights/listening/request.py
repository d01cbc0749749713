"""Asking for an ingestion."""

from uuid import UUID

from spotify_insights.accounts.erasing import refuse_if_erasing
from spotify_insights.accounts.queries import connection_status
from spotify_insights.database.database import Transaction
from spotify_insights.errors import ConflictError
from spotify_insights.jobs.enqueue import enqueue
from spotify_insights.listening.jobs import IngestListeningData
from spotify_insights.listening.time_range import TimeRange


def request_ingestion(tx: Transaction, user_id: UUID, time_range: TimeRange) -> UUID:
    """Queue the ingestion and return the id of its task; one that is under way already is joined.

    Raises:
        NotFoundError: there is no such user.
        ConflictError: the user's Spotify connection is missing or has ended, or they are being erased.
    """
    refuse_if_erasing(tx.session, user_id)
    status = connection_status(tx.session, user_id)
    if status is None:
        raise ConflictError("This listener is not connected to Spotify. Store their tokens first.")
    if status == "reauth_required":
        raise ConflictError("The connection to Spotify has ended. The listener has to authorise it again.")
    return enqueue(tx, IngestListeningData(user_id=user_id, time_range=time_range))
