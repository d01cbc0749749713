"""Deleting what came from a provider that was disconnected."""

from typing import Final

from spotify_insights.cache.cache import Cache
from spotify_insights.cache.keys import insight_scope, listener_scope
from spotify_insights.insights.privacy import insight_ids_of
from spotify_insights.jobs.attempt import Attempt
from spotify_insights.listening.forget import Forgotten, forget_imports, forget_plays, forget_snapshots
from spotify_insights.listening.gaps import forget_gaps
from spotify_insights.listening.jobs import PurgeDisconnectedData

BATCH: Final = 1000
SOURCES: Final = {"spotify": ("spotify_api",), "listenbrainz": ("listenbrainz",)}
UPLOADS: Final = {"spotify": ("spotify_export", "spotify_account_data"), "listenbrainz": ()}


def purge_disconnected_data(
    attempt: Attempt, job: PurgeDisconnectedData, *, cache: Cache, batch: int = BATCH
) -> None:
    """Delete plays from the provider, every snapshot, the insights about them, and orphans of the catalogue.

    Snapshots and insights mix sources, so all of them go where one of the sources was the provider; from what
    stays they can be computed again. Each batch is a transaction of its own. Safe to repeat; the result
    counts what this attempt deleted.

    Raises: as `Attempt.step`.
    """
    plays = Forgotten(0, 0, 0)
    if job.last_play is not None:
        sources = (*SOURCES[job.provider], *(() if job.keep_uploads else UPLOADS[job.provider]))
        while True:
            with attempt.step() as tx:
                gone = forget_plays(
                    tx.session, job.user_id, sources=sources, last_play=job.last_play, batch=batch
                )
            if gone.rows == 0:
                break
            plays += gone
    snapshots = Forgotten(0, 0, 0)
    while job.summaries:
        with attempt.step() as tx:
            before = insight_ids_of(tx.session, job.user_id)
            gone = forget_snapshots(tx.session, job.user_id, until=job.until, batch=batch)
            insights = before - insight_ids_of(tx.session, job.user_id)
            cache.invalidate(
                tx, [listener_scope(job.user_id), *(insight_scope(insight_id) for insight_id in insights)]
            )
        if gone.rows == 0:
            break
        snapshots += gone
    with attempt.completion() as completion:
        if job.provider == "spotify":
            forget_gaps(completion.tx.session, job.user_id, until=job.until)
            if not job.keep_uploads:
                forget_imports(completion.tx.session, job.user_id, until=job.until)
        completion.result = {
            "plays": plays.rows,
            "snapshots": snapshots.rows,
            "tracks": plays.tracks + snapshots.tracks,
            "artists": plays.artists + snapshots.artists,
        }
