"""Ingesting one listener's data: load what we know, ask Spotify, then store everything and the snapshots.

No transaction is open while Spotify is asked. All effects are stored together with the end of the job.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from spotify_insights.accounts.call_budget import Purpose
from spotify_insights.accounts.queries import timezone_of
from spotify_insights.audio_features.chain import Filled, fill
from spotify_insights.audio_features.provider import AudioFeatureProvider
from spotify_insights.cache.cache import Cache
from spotify_insights.cache.keys import listener_scope
from spotify_insights.clock import now, today_in
from spotify_insights.database.database import Transaction
from spotify_insights.jobs.attempt import Attempt
from spotify_insights.listening.analytics.play_rule import PlayRule, counted
from spotify_insights.listening.features.fill import queue_fill
from spotify_insights.listening.features.store import KnownFeatures, known_features
from spotify_insights.listening.fetch import (
    SPOTIFY,
    ListenerSpotify,
    RecentPlays,
    SpotifySource,
    TopItems,
)
from spotify_insights.listening.genres.store import genres_told
from spotify_insights.listening.hold_history import wait_for_history
from spotify_insights.listening.jobs import IngestAllRanges, IngestListeningData
from spotify_insights.listening.load_heard import columns_of, counting_of
from spotify_insights.listening.snapshot import Snapshot, TopArtist, TopTrack
from spotify_insights.listening.store_fetched import store_fetched
from spotify_insights.listening.store_snapshot import store_snapshot
from spotify_insights.listening.take_snapshot import SuppliedFeatures, take_snapshot
from spotify_insights.listening.time_range import TimeRange
from spotify_insights.listening.wait_for_purge import wait_for_purge


@dataclass(frozen=True)
class _Gathered:
    """All that one attempt knows when it has asked everybody."""

    timezone: str
    tops: Mapping[TimeRange, TopItems]
    recent: RecentPlays
    known: KnownFeatures
    filled: Filled

    @property
    def features(self) -> Mapping[str, SuppliedFeatures]:
        return self.known.with_told(self.filled.told).found


@dataclass(frozen=True)
class _Stored:
    snapshot_ids: Mapping[TimeRange, UUID]
    new_plays: int


def ingest_listening_data(
    attempt: Attempt,
    job: IngestListeningData,
    *,
    source: SpotifySource,
    cache: Cache,
    reccobeats: AudioFeatureProvider | None,
    play_rule: PlayRule,
) -> None:
    """Fetch, store and summarise. Running it again on one day updates the same snapshot.

    Args:
        reccobeats: if it may be asked, what audio features are lacking then is asked for in the background.
        play_rule: what counts as a play where the listener prefers nothing else.

    Raises: as `wait_for_purge`, `wait_for_history`, `ListenerSpotify.ask` and `Attempt.checkpoint`.
    """
    ranges = (job.time_range,)
    gathered = _gather(attempt, job.user_id, ranges, purpose=Purpose.ASKED_FOR, source=source)
    with attempt.completion() as completion:
        stored = _store(completion.tx, job.user_id, gathered, cache, play_rule)
        completion.result = {
            "snapshot_id": str(stored.snapshot_ids[job.time_range]),
            "new_plays": stored.new_plays,
        }
    queue_fill(attempt.database, reccobeats)


def ingest_all_ranges(
    attempt: Attempt,
    job: IngestAllRanges,
    *,
    source: SpotifySource,
    cache: Cache,
    reccobeats: AudioFeatureProvider | None,
    play_rule: PlayRule,
) -> None:
    """Likewise for every range, with the latest plays asked for once.

    Raises: as `ingest_listening_data`.
    """
    gathered = _gather(attempt, job.user_id, tuple(TimeRange), purpose=Purpose.BACKGROUND, source=source)
    with attempt.completion() as completion:
        stored = _store(completion.tx, job.user_id, gathered, cache, play_rule)
        completion.result = {
            "snapshot_ids": {str(name): str(key) for name, key in stored.snapshot_ids.items()},
            "new_plays": stored.new_plays,
        }
    queue_fill(attempt.database, reccobeats)


def _gather(
    attempt: Attempt,
    user_id: UUID,
    ranges: Sequence[TimeRange],
    *,
    purpose: Purpose,
    source: SpotifySource,
) -> _Gathered:
    wait_for_purge(attempt, user_id)
    wait_for_history(attempt, user_id)
    with attempt.database.transaction(acting_for=attempt.actor) as tx:
        timezone = timezone_of(tx.session, user_id)
    calls = 2 * len(ranges) + 1
    # The features and the storing are steps of their own.
    total = calls + 2
    with source.listener(user_id, calls=calls, purpose=purpose) as listener:
        tops: dict[TimeRange, TopItems] = {}
        for time_range in ranges:
            done = 2 * len(tops)
            attempt.progress("top tracks", done=done, total=total)
            tracks = listener.top_tracks(time_range)
            attempt.progress("top artists", done=done + 1, total=total)
            tops[time_range] = TopItems(tracks=tracks, artists=listener.top_artists(time_range))
        attempt.progress("recently played", done=calls - 1, total=total)
        recent = listener.recently_played()
        attempt.progress("audio features", done=calls, total=total)
        known, filled = _features(attempt, listener, tops, source)
    attempt.progress("storing", done=calls + 1, total=total)
    return _Gathered(timezone=timezone, tops=tops, recent=recent, known=known, filled=filled)


def _features(
    attempt: Attempt, listener: ListenerSpotify, tops: Mapping[TimeRange, TopItems], source: SpotifySource
) -> tuple[KnownFeatures, Filled]:
    """What we hold, and what was found out now."""
    top_ids = list(dict.fromkeys(track.spotify_id for top in tops.values() for track in top.tracks))
    with attempt.database.transaction(acting_for=attempt.actor) as tx:
        known = known_features(tx.session, top_ids)
    return known, fill(known.to_ask(SPOTIFY, top_ids), source.feature_providers(listener))


def _store(tx: Transaction, user_id: UUID, gathered: _Gathered, cache: Cache, play_rule: PlayRule) -> _Stored:
    cache.invalidate(tx, [listener_scope(user_id)])
    stored = store_fetched(
        tx.session,
        user_id,
        gathered.recent,
        tops=gathered.tops.values(),
        filled=gathered.filled,
    )
    # One moment for all of them: around midnight they must not fall on two days.
    moment = now()
    artist_ids = {artist.spotify_id for top in gathered.tops.values() for artist in top.artists}
    genres = genres_told(tx.session, sorted(artist_ids))
    history = columns_of(tx.session, user_id)
    counting = counting_of(tx.session, user_id, default_rule=play_rule)
    snapshot_ids = {}
    for time_range in gathered.tops:
        plays = counted(history, *_seconds(moment - time_range.window, moment), counting)
        ended_at = [datetime.fromtimestamp(second, UTC) for second in plays.ended_at.tolist()]
        snapshot = _snapshot(
            gathered, time_range, genres, moment=moment, ended_at=ended_at, rule=counting.rule
        )
        snapshot_ids[time_range] = store_snapshot(tx.session, user_id, snapshot)
    return _Stored(snapshot_ids=snapshot_ids, new_plays=stored.new_plays)


def _snapshot(
    gathered: _Gathered,
    time_range: TimeRange,
    genres: Mapping[str, tuple[str, ...]],
    *,
    moment: datetime,
    ended_at: Sequence[datetime],
    rule: PlayRule,
) -> Snapshot:
    top = gathered.tops[time_range]
    return take_snapshot(
        snapshot_date=today_in(gathered.timezone, moment),
        time_range=time_range,
        timezone=gathered.timezone,
        top_tracks=[
            TopTrack(
                rank=rank,
                spotify_id=track.spotify_id,
                name=track.name,
                artists=tuple(artist.name for artist in track.artists),
            )
            for rank, track in enumerate(top.tracks, start=1)
        ],
        top_artists=[
            TopArtist(
                rank=rank,
                spotify_id=artist.spotify_id,
                name=artist.name,
                genres=artist.genres or genres.get(artist.spotify_id, ()),
            )
            for rank, artist in enumerate(top.artists, start=1)
        ],
        features=gathered.features,
        plays_ended_at=ended_at,
        play_rule=rule.value,
    )


def _seconds(since: datetime, until: datetime) -> tuple[int, int]:
    """Those of the plays in (since, until]: their moments are in whole seconds."""
    return int(since.timestamp()) + 1, int(until.timestamp()) + 1
