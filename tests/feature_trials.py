"""Tracks and plays put into the database, and what is known of their sound."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from uuid import UUID

from sqlalchemy import text

from spotify_insights.database.actor import SYSTEM
from spotify_insights.database.database import Database
from spotify_insights.listening.catalogue import ArtistEntry, TrackEntry, store_artists, store_tracks
from spotify_insights.listening.features.store import KnownFeatures, known_features

ARTIST = ArtistEntry(spotify_id="artist-of-all-0000000000", name="Paper Lanterns")


def store(database: Database, spotify_ids: Iterable[str]) -> dict[str, int]:
    """Tracks with these ids, one after the other; their keys."""
    keys: dict[str, int] = {}
    with database.transaction(acting_for=SYSTEM) as tx:
        artists = store_artists(tx.session, [ARTIST], source="spotify_api")
        for spotify_id in spotify_ids:
            entry = TrackEntry(spotify_id, f"Song {spotify_id}", (ARTIST,), None, None, None, None, None)
            keys |= store_tracks(tx.session, [entry], artists, source="spotify_api")
    return keys


def play(database: Database, user_id: UUID, track_id: int, *, times: int, days_ago: float) -> None:
    """So many plays, seconds apart, that far back."""
    with database.transaction(acting_for=SYSTEM) as tx:
        tx.session.execute(
            text("""
                INSERT INTO plays (user_id, track_id, ended_at, ms_played, source)
                SELECT :user_id, :track_id, clock_timestamp() - :ago - number * interval '1 s', 200000,
                       'spotify_export'
                  FROM generate_series(1, :times) AS number
            """),
            {
                "user_id": user_id,
                "track_id": track_id,
                "times": times,
                "ago": timedelta(days=days_ago),
            },
        )


def known(database: Database, spotify_ids: Iterable[str]) -> KnownFeatures:
    with database.transaction(acting_for=SYSTEM) as tx:
        return known_features(tx.session, list(spotify_ids))


def in_catalogue(database: Database, features: Mapping[str, Mapping[str, float]]) -> None:
    """Let an operator's catalogue say this, without a file."""
    with database.transaction(acting_for=SYSTEM) as tx:
        for spotify_id, values in features.items():
            names = ", ".join(values)
            tx.session.execute(
                text(f"""
                    INSERT INTO catalogue_features (spotify_id, catalogue_id, {names})
                    VALUES (:spotify_id, 1, {", ".join(f":{name}" for name in values)})
                """),  # noqa: S608  # our own words
                {"spotify_id": spotify_id, **values},
            )


def age_answers(database: Database, by: timedelta) -> None:
    """Let all that was ever answered lie so much further back."""
    with database.transaction(acting_for=SYSTEM) as tx:
        tx.session.execute(text("UPDATE track_features SET fetched_at = fetched_at - :by"), {"by": by})
