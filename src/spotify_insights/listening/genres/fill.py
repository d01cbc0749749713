"""Filling in genres in the background: load whose are lacking, ask, store; one artist in each call."""

import time
from datetime import timedelta
from typing import Final, Protocol

from spotify_insights.database.actor import SYSTEM
from spotify_insights.errors import PermanentError, SnoozeError, TemporaryError
from spotify_insights.jobs.attempt import Attempt
from spotify_insights.jobs.enqueue import enqueue
from spotify_insights.listening.genres.jobs import FillGenres
from spotify_insights.listening.genres.store import lacking_artists, store_genres
from spotify_insights.observability import get_logger

ARTISTS_PER_JOB: Final = 60
_log = get_logger(__name__)


class GenreProvider(Protocol):
    """Somebody who knows genres of artists."""

    @property
    def name(self) -> str:
        """What is stored as the source; stable and lower case."""
        ...

    def genres_of(self, artist: str, *, title: str) -> tuple[str, ...]:
        """The artist's genres, the most usual first; none where it does not know them. One call.

        Raises:
            PermanentError: it does not serve this installation.
            TemporaryError: it would, but not now.
        """
        ...


def fill_genres(
    attempt: Attempt,
    _job: FillGenres,
    *,
    provider: GenreProvider | None,
    apart: timedelta = timedelta(seconds=1),
) -> None:
    """Ask `provider` about the most played artists, each answer stored by itself.

    It ends like `fill_features`, and goes on where it was after a crash.

    Args:
        provider: None where the operator wants nobody to be asked.
        apart: how long it rests after each call.

    Raises: as `fill_features`.
    """
    artists = []
    if provider is not None:
        with attempt.database.transaction(acting_for=SYSTEM) as tx:
            artists = lacking_artists(tx.session, provider.name, limit=ARTISTS_PER_JOB)
    asked = found = 0
    stopped = None if provider is not None else "Nobody may be asked."
    for artist in artists:
        if provider is None:
            break
        attempt.progress("genres", done=asked, total=len(artists))
        try:
            genres = provider.genres_of(artist.name, title=artist.title)
        except SnoozeError:
            raise
        except (TemporaryError, PermanentError) as error:
            if isinstance(error, TemporaryError) and attempt.number < attempt.max_attempts:
                raise
            stopped = error.message
            _log.warning("genres_not_filled", provider=provider.name, error_code=error.code)
            break
        with attempt.step() as tx:
            store_genres(tx.session, artist.artist_id, genres, provider=provider.name)
        asked += 1
        found += bool(genres)
        time.sleep(apart.total_seconds())
    with attempt.completion() as completion:
        completion.result = {"asked": asked, "found": found, "stopped": stopped}
    if stopped is None and len(artists) == ARTISTS_PER_JOB:
        # Not before this one has ended, for it would be joined.
        with attempt.database.transaction(acting_for=SYSTEM) as tx:
            enqueue(tx, FillGenres())
