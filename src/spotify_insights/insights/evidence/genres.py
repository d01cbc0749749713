"""Facts from the genres of the top artists, where Spotify still names them."""

from collections import Counter
from typing import Final

from spotify_insights.insights.fact import Fact, Unit, count, share, wording
from spotify_insights.insights.names import safe_name
from spotify_insights.listening.snapshot import Snapshot

# With fewer tagged artists one artist alone would decide what the taste is called.
MIN_TAGGED_ARTISTS: Final = 8

# Genres named in a sentence, the most frequent first.
_NAMED: Final = 3


def genre_facts(snapshot: Snapshot) -> list[Fact]:
    """The most frequent genres and how many of the tagged artists carry the first.

    Silent unless `MIN_TAGGED_ARTISTS` have a genre. An artist counts once per genre; ties are
    settled alphabetically, so that equal snapshots name the same genre.
    """
    tags = [{safe_name(genre).lower() for genre in artist.genres} for artist in snapshot.top_artists]
    tagged = [genres for genres in tags if genres]
    if len(tagged) < MIN_TAGGED_ARTISTS:
        return []
    tally = Counter(genre for genres in tagged for genre in genres)
    ranked = sorted(tally, key=lambda genre: (-tally[genre], genre))
    named = [
        wording(f"genre_{place}", genre, Unit.GENRE_NAME)
        for place, genre in enumerate(ranked[:_NAMED], start=1)
    ]
    return [
        *named,
        count("genre_1_artists", tally[ranked[0]], Unit.ARTISTS),
        share("genre_1_share", tally[ranked[0]] / len(tagged)),
        count("tagged_artists", len(tagged), Unit.ARTISTS),
        count("distinct_genres", len(ranked), Unit.GENRES),
    ]
