"""Tracks and artists are shared by all listeners: answers refresh them, thinner ones take nothing away."""

from collections.abc import Sequence
from dataclasses import replace

from ingestions import rows
from spotify_insights.database.actor import SYSTEM
from spotify_insights.listening.catalogue import ArtistEntry, TrackEntry, store_artists, store_tracks
from spotify_insights.runtime import Runtime

ADA = ArtistEntry(spotify_id="ada", name="Ada Finch", genres=("indie folk", "slowcore"))
KIT = ArtistEntry(spotify_id="kit", name="Kit Sanders")
SONG = TrackEntry(
    spotify_id="song",
    name="Kitchen Radio",
    artists=(ADA, KIT),
    album_name="Half a Ferry Home",
    album_spotify_id="album",
    duration_ms=201_000,
    explicit=False,
    isrc="GBAAA2600001",
)


def test_a_thinner_answer_takes_nothing_away(runtime: Runtime) -> None:
    store(runtime, [SONG])
    renamed = ArtistEntry(spotify_id="ada", name="Ada F.")
    thin = TrackEntry(
        spotify_id="song",
        name="Kitchen Radio (Remastered)",
        artists=(renamed, KIT),
        album_name=None,
        album_spotify_id=None,
        duration_ms=None,
        explicit=None,
        isrc=None,
    )
    store(runtime, [thin])
    assert artists(runtime) == [("ada", "Ada F.", ["indie folk", "slowcore"]), ("kit", "Kit Sanders", None)]
    assert tracks(runtime) == [
        ("song", "Kitchen Radio (Remastered)", "Half a Ferry Home", "album", 201_000, False, "GBAAA2600001")
    ]


def test_a_fuller_answer_is_taken_over(runtime: Runtime) -> None:
    store(runtime, [replace(SONG, isrc=None, explicit=None, artists=(replace(ADA, genres=None), KIT))])
    store(runtime, [SONG])
    assert artists(runtime)[0] == ("ada", "Ada Finch", ["indie folk", "slowcore"])
    assert tracks(runtime)[0][-2:] == (False, "GBAAA2600001")


def test_an_artist_in_several_places_is_stored_with_the_genres_of_the_fullest(runtime: Runtime) -> None:
    bare = replace(ADA, genres=None)
    store(runtime, [replace(SONG, artists=(bare,)), replace(SONG, spotify_id="other", artists=(ADA, bare))])
    assert artists(runtime) == [("ada", "Ada Finch", ["indie folk", "slowcore"])]


def test_what_is_known_already_is_not_written_again(runtime: Runtime) -> None:
    written = "SELECT spotify_id, updated_at FROM tracks UNION ALL SELECT spotify_id, updated_at FROM artists"
    store(runtime, [SONG])
    before = rows(runtime.database, written)
    store(runtime, [SONG])
    store(runtime, [replace(SONG, album_name=None, artists=(replace(ADA, genres=None), KIT))])
    assert rows(runtime.database, written) == before


def test_credits_follow_the_latest_answer(runtime: Runtime) -> None:
    """Metadata is corrected at times; who was credited by mistake must not stay in anybody's statistics."""
    store(runtime, [SONG])
    assert credits_of(runtime, "song") == ["ada", "kit"]
    store(runtime, [replace(SONG, artists=(KIT, ADA))])
    assert credits_of(runtime, "song") == ["kit", "ada"]
    store(runtime, [replace(SONG, artists=(ADA,))])
    assert credits_of(runtime, "song") == ["ada"]
    store(runtime, [replace(SONG, artists=())])
    assert credits_of(runtime, "song") == ["ada"], "an answer without artists says nothing about them"


def store(runtime: Runtime, told: Sequence[TrackEntry]) -> None:
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        credited = (artist for track in told for artist in track.artists)
        artist_keys = store_artists(tx.session, credited, source="spotify_api")
        store_tracks(tx.session, told, artist_keys, source="spotify_api")


def artists(runtime: Runtime) -> list[tuple[object, ...]]:
    return rows(runtime.database, "SELECT spotify_id, name, genres FROM artists ORDER BY spotify_id")


def tracks(runtime: Runtime) -> list[tuple[object, ...]]:
    return rows(
        runtime.database,
        "SELECT spotify_id, name, album_name, album_spotify_id, duration_ms, explicit, isrc FROM tracks",
    )


def credits_of(runtime: Runtime, track: str) -> list[str]:
    credited = rows(
        runtime.database,
        "SELECT a.spotify_id FROM track_artists c JOIN tracks t ON t.id = c.track_id"
        "  JOIN artists a ON a.id = c.artist_id WHERE t.spotify_id = :track ORDER BY c.position",
        track=track,
    )
    return [row[0] for row in credited]
