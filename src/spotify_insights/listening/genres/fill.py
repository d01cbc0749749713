"""Filling in genres in the background: load whose are lacking, ask, store; one artist in each call."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from spotify_insights.database.actor import SYSTEM
from spotify_insights.errors import PermanentError, SnoozeError, TemporaryError
from spotify_insights.jobs.attempt import Attempt
from spotify_insights.jobs.enqueue import enqueue
from spotify_insights.listenbrainz.errors import ArtistRefusedError
from spotify_insights.listening.genres.jobs import FillGenres
from spotify_insights.listening.genres.store import LackingArtist, lacking_artists, store_genres
from spotify_insights.observability import get_logger

ARTISTS_PER_JOB: Final = 60
# One artist in some thousand has a name or a title that is refused. So many directly after each other are no
# chance: whatever we ask is refused, and nothing is known about these artists.
REFUSALS_OF_US: Final = 5
_log = get_logger(__name__)


class GenreProvider(Protocol):
    """Somebody who knows genres of artists."""

    @property
    def name(self) -> str:
        """What is stored as the source; stable and lower case."""
        ...

    def genres_of(self, artist: str, *, title: str) -> tuple[str, ...]:
        """The artist's genres, the most usual first; none where it does not know them.

        One call, for whose turn it waits.

        Raises:
            ArtistRefusedError: it does not answer for this artist.
            PermanentError: it does not serve this installation.
            TemporaryError: it would, but not now.
        """
        ...


def fill_genres(attempt: Attempt, _job: FillGenres, *, provider: GenreProvider | None) -> None:
    """Ask `provider` about the most played artists, each answer stored by itself.

    It ends like `fill_features`, and goes on where it was after a crash. An artist for whom the provider
    refuses to answer counts as one whom it does not know. REFUSALS_OF_US refusals in a row end the job as one
    that refuses us does, and these artists are asked for again.

    Args:
        provider: None where the operator wants nobody to be asked.

    Raises: as `fill_features`.
    """
    if provider is None:
        with attempt.completion() as completion:
            completion.result = {"asked": 0, "found": 0, "stopped": "Nobody may be asked."}
        return
    with attempt.database.transaction(acting_for=SYSTEM) as tx:
        artists = lacking_artists(tx.session, provider.name, limit=ARTISTS_PER_JOB)
    told = _Told()
    try:
        _ask(attempt, provider, artists, told)
    except SnoozeError:
        raise
    except (TemporaryError, PermanentError) as error:
        if isinstance(error, TemporaryError) and attempt.number < attempt.max_attempts:
            raise
        told.stopped = error.message
        _log.warning("genres_not_filled", provider=provider.name, error_code=error.code)
    with attempt.completion() as completion:
        completion.result = {"asked": told.asked, "found": told.found, "stopped": told.stopped}
    if told.stopped is None and len(artists) == ARTISTS_PER_JOB:
        # Not before this one has ended, for it would be joined.
        with attempt.database.transaction(acting_for=SYSTEM) as tx:
            enqueue(tx, FillGenres())


@dataclass
class _Told:
    """What a job has brought so far. `asked` counts the artists about whom something was stored."""

    asked: int = 0
    found: int = 0
    stopped: str | None = None


def _ask(attempt: Attempt, provider: GenreProvider, artists: Sequence[LackingArtist], told: _Told) -> None:
    """Raises: what the provider raises, and of its refusals the last of REFUSALS_OF_US in a row."""
    refused: list[LackingArtist] = []
    for done, artist in enumerate(artists):
        attempt.progress("genres", done=done, total=len(artists))
        try:
            genres = provider.genres_of(artist.name, title=artist.title)
        except ArtistRefusedError:
            refused.append(artist)
            if len(refused) == REFUSALS_OF_US:
                raise
        else:
            # Now that somebody else is answered for, the refusals before were about their artists.
            _store(attempt, provider, told, {**dict.fromkeys(refused, ()), artist: genres})
            refused.clear()
    if refused:
        _store(attempt, provider, told, dict.fromkeys(refused, ()))


def _store(
    attempt: Attempt,
    provider: GenreProvider,
    told: _Told,
    genres: Mapping[LackingArtist, Sequence[str]],
) -> None:
    with attempt.step() as tx:
        for artist, names in genres.items():
            store_genres(tx.session, artist.artist_id, names, provider=provider.name)
    told.asked += len(genres)
    told.found += sum(bool(names) for names in genres.values())
