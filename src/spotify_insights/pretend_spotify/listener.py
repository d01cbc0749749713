"""One invented listener: every play they ever made or will make, and what Spotify would say of it."""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import chain, islice
from typing import Final
from zoneinfo import ZoneInfo

from spotify_insights.pretend_spotify.catalogue import Artist, Track, catalogue_of
from spotify_insights.pretend_spotify.day import Play, plays_of_day
from spotify_insights.pretend_spotify.personas import PERSONA_BY_KEY, Persona
from spotify_insights.pretend_spotify.taste import Taste

# Spotify: "approximately last 4 weeks", "last 6 months", "approximately 1 year of data".
# https://developer.spotify.com/documentation/web-api/reference/get-users-top-artists-and-tracks
TIME_RANGES: Final = {
    "short_term": timedelta(days=28),
    "medium_term": timedelta(days=182),
    "long_term": timedelta(days=365),
}
# Spotify counts a stream from 30 seconds on.
COUNTED_MS: Final = 30_000
RECENT_PLAYS: Final = 50
_RECENT_DAYS: Final = 60
_REMEMBERED_DAYS: Final = 1200


class Listener:
    """A persona with a seed: deterministic, without I/O, and without a beginning or an end.

    Asking twice, or with other bounds, gives the same plays; plays never overlap.
    """

    def __init__(self, persona: Persona, seed: int = 1) -> None:
        self.persona = persona
        self.seed = seed
        self._zone = ZoneInfo(persona.timezone)
        self._catalogue = catalogue_of(seed)
        self._taste = Taste(persona, self._catalogue, seed)
        self._days: dict[date, tuple[Play, ...]] = {}

    def plays_between(self, start: datetime, end: datetime) -> list[Play]:
        """The plays that ended at or after `start` and before `end`, oldest first.

        Neighbouring intervals therefore share no play and miss none. Raises ValueError for moments
        without a time zone.
        """
        if start.tzinfo is None or end.tzinfo is None:
            raise ValueError("Give both moments a time zone, for example UTC.")
        if end <= start:
            return []
        # A listening day reaches into the next date, so the date before `start` may still matter.
        first = start.astimezone(self._zone).date() - timedelta(days=1)
        count = (end.astimezone(self._zone).date() - first).days + 1
        days = (self._plays_of(first + timedelta(days=number)) for number in range(count))
        return [play for play in chain.from_iterable(days) if start <= play.ended_at < end]

    def top_tracks(self, time_range: str, at: datetime) -> list[Track]:
        """All tracks of the range by number of counted plays, most played first."""
        plays = self._counted(time_range, at)
        counts = Counter(play.track.id for play in plays)
        return [self._catalogue.tracks[track_id] for track_id in _ranked(counts)]

    def top_artists(self, time_range: str, at: datetime) -> list[Artist]:
        """All artists of the range, guests included, by number of counted plays, most played first."""
        plays = self._counted(time_range, at)
        counts = Counter(artist.id for play in plays for artist in play.track.artists)
        return [self._catalogue.artists[artist_id] for artist_id in _ranked(counts)]

    def recently_played(
        self,
        at: datetime,
        limit: int = 20,
        after: datetime | None = None,
        before: datetime | None = None,
    ) -> list[Play]:
        """Up to `limit` of the last 50 counted plays that had ended by `at`, newest first.

        `after` and `before` exclude the moment itself. Spotify remembers no more than 50 plays, so a
        `before` older than those gives nothing.
        """
        remembered = islice(self._counted_backwards(at), RECENT_PLAYS)
        matching = (
            play
            for play in remembered
            if (after is None or play.ended_at > after) and (before is None or play.ended_at < before)
        )
        return list(islice(matching, limit))

    def _plays_of(self, day: date) -> tuple[Play, ...]:
        plays = self._days.get(day)
        if plays is None:
            if len(self._days) >= _REMEMBERED_DAYS:
                self._days.clear()
            plays = self._days[day] = plays_of_day(self.persona, self._zone, self._taste, self.seed, day)
        return plays

    def _counted(self, time_range: str, at: datetime) -> Iterable[Play]:
        plays = self.plays_between(at - TIME_RANGES[time_range], at)
        return (play for play in plays if play.ms_played >= COUNTED_MS)

    def _counted_backwards(self, at: datetime) -> Iterable[Play]:
        today = at.astimezone(self._zone).date()
        for days_ago in range(_RECENT_DAYS):
            for play in reversed(self._plays_of(today - timedelta(days=days_ago))):
                if play.ended_at <= at and play.ms_played >= COUNTED_MS:
                    yield play


def _ranked(counts: Counter[str]) -> list[str]:
    return sorted(counts, key=lambda key: (-counts[key], key))


@lru_cache(maxsize=64)
def listener_of(persona_key: str, seed: int = 1) -> Listener:
    """The one listener of this process for a persona and a seed, with what it has worked out already."""
    return Listener(PERSONA_BY_KEY[persona_key], seed)


def midnight_before(moment: datetime) -> datetime:
    """The last midnight in UTC at or before `moment`."""
    return datetime.combine(moment.astimezone(UTC).date(), time(), tzinfo=UTC)
