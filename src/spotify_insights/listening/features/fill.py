"""Filling in audio features in the background: load whose are lacking, ask a provider, store what it says."""

from collections.abc import Sequence
from typing import Final

from spotify_insights.audio_features.provider import AudioFeatureProvider, ProviderUnavailableError
from spotify_insights.database.actor import SYSTEM
from spotify_insights.database.database import Database
from spotify_insights.errors import SnoozeError, TemporaryError
from spotify_insights.jobs.attempt import Attempt
from spotify_insights.jobs.enqueue import enqueue
from spotify_insights.listening.features.changed import features_changed
from spotify_insights.listening.features.jobs import FillFeatures
from spotify_insights.listening.features.lacking import LackingTrack, lacking_tracks
from spotify_insights.listening.features.store import store_features
from spotify_insights.observability import get_logger

# As many as a provider takes in one call: what a call brought is stored before the next one is made.
TRACKS_AT_ONCE: Final = 30
# The order is looked up anew after these, so that what somebody plays today is not behind a whole import.
TRACKS_PER_JOB: Final = 20 * TRACKS_AT_ONCE
_log = get_logger(__name__)


def queue_fill(database: Database, provider: AudioFeatureProvider | None) -> None:
    """Let features be filled in soon, where anybody may be asked. For whoever has stored new tracks.

    In a transaction of its own, for it is the installation's work and no listener may ask for it. Whoever is
    stopped before it loses an hour at most.
    """
    if provider is not None:
        with database.transaction(acting_for=SYSTEM) as tx:
            enqueue(tx, FillFeatures())


def fill_features(attempt: Attempt, _job: FillFeatures, *, provider: AudioFeatureProvider | None) -> None:
    """Ask `provider` about the most needed tracks, batch by batch, each stored by itself.

    After a crash it goes on with what is not stored yet. A provider that is away for longer than the job's
    attempts, or does not serve us, ends the job without an error: the next hour asks again.

    Args:
        provider: None where the operator wants nobody to be asked.

    Raises:
        SnoozeError: the provider asks us to wait.
        TemporaryError: it does not answer, and another attempt is left.
        FencedError, JobCancelledError: as `Attempt.step`.
    """
    if provider is None:
        with attempt.completion() as completion:
            completion.result = {"asked": 0, "found": 0, "stopped": "Nobody may be asked."}
        return
    with attempt.database.transaction(acting_for=SYSTEM) as tx:
        tracks = lacking_tracks(tx.session, provider.name, limit=TRACKS_PER_JOB)
    asked = found = 0
    stopped = None
    for start in range(0, len(tracks), TRACKS_AT_ONCE):
        attempt.progress("audio features", done=start, total=len(tracks))
        batch = tracks[start : start + TRACKS_AT_ONCE]
        try:
            found += _ask(attempt, provider, batch)
        except SnoozeError:
            raise
        except (TemporaryError, ProviderUnavailableError) as error:
            if isinstance(error, TemporaryError) and attempt.number < attempt.max_attempts:
                raise
            stopped = error.message
            _log.warning("features_not_filled", provider=provider.name, error_code=error.code)
            break
        asked += len(batch)
    with attempt.completion() as completion:
        completion.result = {"asked": asked, "found": found, "stopped": stopped}
    if stopped is None and len(tracks) == TRACKS_PER_JOB:
        # Not before this one has ended, for it would be joined.
        queue_fill(attempt.database, provider)


def _ask(attempt: Attempt, provider: AudioFeatureProvider, batch: Sequence[LackingTrack]) -> int:
    """Ask about the batch and store the answer, also that it knows nothing; how many tracks it knows."""
    keys = {track.spotify_id: track.track_id for track in batch}
    told = provider.fetch(tuple(keys))
    with attempt.step() as tx:
        store_features(tx.session, keys, told, asked=keys, provider=provider.name)
        known = [keys[spotify_id] for spotify_id in told if spotify_id in keys]
        if known:
            features_changed(tx, known)
    return len(known)
