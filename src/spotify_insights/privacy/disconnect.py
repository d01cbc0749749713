"""Disconnecting: the tokens are gone at once, and what came through them soon after."""

from typing import Literal
from uuid import UUID

from sqlalchemy import DateTime, func, select

from spotify_insights.accounts.disconnect import drop_connection
from spotify_insights.accounts.erasing import refuse_if_erasing
from spotify_insights.audit.event import AuditEvent
from spotify_insights.audit.trail import AuditTrail
from spotify_insights.cache.cache import Cache
from spotify_insights.cache.keys import listener_scope
from spotify_insights.database.database import Transaction
from spotify_insights.errors import NotFoundError
from spotify_insights.jobs.enqueue import enqueue
from spotify_insights.jobs.privacy import cancel_jobs_of
from spotify_insights.listening.forget import has_plays, last_play
from spotify_insights.listening.imports.jobs import ImportHistory
from spotify_insights.listening.jobs import PurgeDisconnectedData
from spotify_insights.privacy.purge_disconnected import SOURCES
from spotify_insights.sign_in.privacy import has_local_account
from spotify_insights.storage.read import shorten_exports

Provider = Literal["spotify", "listenbrainz"]


def disconnect(
    tx: Transaction,
    user_id: UUID,
    provider: Provider,
    *,
    keep_uploads: bool,
    cache: Cache,
    trail: AuditTrail,
) -> UUID:
    """End the connection and queue the purge of what it brought; the id of that task.

    When this is committed, the tokens are deleted, and no job that used them or wrote about what they brought
    stores anything more. The purge takes what is there now: snapshots and insights, too, unless nothing that
    they were computed from can have come from this provider. Whatever a new connection brings later is kept:
    its jobs wait until the purge is over.

    Args:
        keep_uploads: whether plays from uploaded exports stay.
        trail: of whoever asked for it.

    Raises:
        NotFoundError: there is no such connection.
        BeingErasedError: everything is being deleted already.
    """
    session = tx.session
    refuse_if_erasing(session, user_id)
    if not drop_connection(session, user_id, provider, has_account=has_local_account(session, user_id)):
        raise NotFoundError("There is no such connection.")
    # Spotify's own lists of favourites stand in every snapshot, even where no play is stored.
    summaries = provider == "spotify" or has_plays(session, user_id, SOURCES[provider])
    prefixes = [f"{provider}."]
    if summaries:
        prefixes.append("insights.")
    if provider == "spotify" and not keep_uploads:
        prefixes.append(ImportHistory.task_name)
    cancel_jobs_of(session, user_id, prefixes=tuple(prefixes), kept=(PurgeDisconnectedData.task_name,))
    shorten_exports(session, user_id)
    cache.invalidate(tx, [listener_scope(user_id)])
    trail.record(
        tx,
        AuditEvent.DISCONNECTED,
        subject=user_id,
        details={"provider": provider, "keep_uploads": keep_uploads},
    )
    until = session.scalars(select(func.clock_timestamp(type_=DateTime(timezone=True)))).one()
    return enqueue(
        tx,
        PurgeDisconnectedData(
            user_id=user_id,
            provider=provider,
            keep_uploads=keep_uploads,
            summaries=summaries,
            last_play=last_play(session, user_id),
            until=until,
        ),
    )
