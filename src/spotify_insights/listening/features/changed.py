"""What follows when audio features of tracks became known, changed or went away."""

from collections.abc import Sequence

from spotify_insights.database.database import Transaction
from spotify_insights.jobs.enqueue import enqueue
from spotify_insights.listening.blocks.jobs import RefreshHistories
from spotify_insights.listening.blocks.keep_fresh import mark_stale


def features_changed(tx: Transaction, track_ids: Sequence[int] | None) -> None:
    """Let everything that is derived from audio features be made anew; part of the caller's transaction.

    Within the hour for some tracks, as more of them come in all the time; at once where they may be
    anybody's, because somebody waits to see what a catalogue is worth.

    Whoever stores or removes features calls it after doing so, acting for the system: the background fill
    with the tracks of each batch, an operator's catalogue once with None.

    Args:
        track_ids: `tracks.id` of those whose features changed; None where they may be anybody's.
    """
    mark_stale(tx, track_ids)
    if track_ids is None:
        enqueue(tx, RefreshHistories())
