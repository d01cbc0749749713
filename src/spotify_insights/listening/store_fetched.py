"""From what Spotify told to rows: the catalogue, audio features and plays, each thing once."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from spotify_insights.audio_features.chain import Filled
from spotify_insights.listening.blocks.keep_fresh import mark_retold
from spotify_insights.listening.catalogue import store_artists, store_tracks
from spotify_insights.listening.features.store import store_features
from spotify_insights.listening.fetch import RecentPlays, TopItems
from spotify_insights.listening.gaps import Gap, note_gap
from spotify_insights.listening.note_poll import note_poll
from spotify_insights.listening.plays import store_plays

SOURCE: Final = "spotify_api"


@dataclass(frozen=True)
class Stored:
    """How many plays were new, and before which of them some are missing."""

    new_plays: int
    gap: Gap | None


def store_fetched(
    session: Session,
    user_id: UUID,
    recent: RecentPlays,
    *,
    tops: Iterable[TopItems] = (),
    filled: Filled | None = None,
) -> Stored:
    """Store all of it, note when it was asked for, and plan the next poll. Safe to repeat.

    Args:
        filled: who was asked for audio features, and what they knew.

    Raises:
        HistoryBusyError: another job is changing this history.
    """
    tops = tuple(tops)
    tracks = (*(track for top in tops for track in top.tracks), *recent.tracks)
    # Artists before tracks: an entry from the top list may know genres that a track's credit does not.
    top_artists = (artist for top in tops for artist in top.artists)
    credited = (artist for track in tracks for artist in track.artists)
    artist_keys = store_artists(session, (*top_artists, *credited), source=SOURCE)
    keys = store_tracks(session, tracks, artist_keys, source=SOURCE)
    mark_retold(session, sorted(keys.values()))
    if filled is not None:
        for provider, asked in filled.asked.items():
            store_features(session, keys, filled.told[provider], asked=asked, provider=provider)
    new_plays = store_plays(session, user_id, recent.plays, keys, source=SOURCE)
    gap = note_gap(session, user_id, recent.plays, told=recent.told, new_plays=new_plays, source=SOURCE)
    note_poll(session, user_id, new_plays=new_plays)
    return Stored(new_plays=new_plays, gap=gap)
