"""Names of tracks and artists that were read a moment ago. They are the catalogue's, and no listener's."""

import time
from collections.abc import Callable, Iterable
from typing import Final, Generic, TypeVar

from spotify_insights.database.actor import Actor
from spotify_insights.listening.views.documents import Computed
from spotify_insights.listening.views.name_queries import artist_names, track_names
from spotify_insights.listening.views.names import ArtistName, Names, TrackName
from spotify_insights.web.hot_reads import HotReads

# A track that was given another name is shown by its old one for so long.
KEEP_SECONDS: Final = 60.0
# A name takes some 500 bytes.
MOST_NAMES: Final = 10_000

Name = TypeVar("Name")


class KnownNames:
    """Reads the names that views show, and remembers them for a minute. Belongs to one event loop."""

    def __init__(self, reads: HotReads, now: Callable[[], float] = time.monotonic) -> None:
        self._reads = reads
        self._tracks = _Remembered[TrackName](now)
        self._artists = _Remembered[ArtistName](now)

    async def of(self, computed: Computed, *, acting_for: Actor) -> Names:
        """What everything that this view shows is called.

        Raises:
            UnavailableError: the database does not answer.
        """
        tracks = self._tracks.known(computed.tracks)
        if missing := computed.tracks.difference(tracks):
            rows = await self._reads.rows(track_names(missing), acting_for=acting_for)
            tracks |= self._tracks.remember({number: TrackName(*told) for number, *told in rows})
        artists = self._artists.known(computed.artists)
        if missing := computed.artists.difference(artists):
            rows = await self._reads.rows(artist_names(missing), acting_for=acting_for)
            artists |= self._artists.remember({number: ArtistName(*told) for number, *told in rows})
        return Names(tracks=tracks, artists=artists)


class _Remembered(Generic[Name]):
    """Names by number; all of them are forgotten together, a minute after the oldest was read."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._names: dict[int, Name] = {}
        self._forget_at = 0.0

    def known(self, numbers: Iterable[int]) -> dict[int, Name]:
        """Those of these that are remembered."""
        if self._now() >= self._forget_at:
            self._names.clear()
        return {number: self._names[number] for number in numbers if number in self._names}

    def remember(self, names: dict[int, Name]) -> dict[int, Name]:
        """The same names, known from now on."""
        if len(self._names) + len(names) > MOST_NAMES:
            self._names.clear()
        if not self._names:
            self._forget_at = self._now() + KEEP_SECONDS
        self._names |= names
        return names
