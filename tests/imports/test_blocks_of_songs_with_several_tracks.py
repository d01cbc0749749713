"""One song may have several tracks, and is one song: which of them stands for it, and what is told of it."""

from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

import psycopg
import pytest

from block_trials import (
    RECORDINGS,
    add,
    after_noon,
    as_account_data,
    bare,
    bring_up_to_date,
    exported,
    keys_of,
    learn,
    packed,
    packed_anew,
    poll,
    recording,
    told_by_plays,
    told_by_spotify,
)
from conftest import Servers
from makers import a_user
from spotify_insights.listening.blocks import refresh as refresh_module
from spotify_insights.listening.blocks import store_blocks as store_module
from spotify_insights.runtime import Runtime

SINGLE, ALBUM, BEST_OF = (recording(album, "Tin Roof", album) for album in ("single", "album", "best of"))
OTHER = recording("other", "Drizzle", "album")


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """So small that a few plays and tracks need several."""
    monkeypatch.setattr(refresh_module, "PLAYS_PER_BLOCK", 2)
    monkeypatch.setattr(store_module, "TRACKS_PER_BLOCK", 2)


def test_the_first_of_the_catalogue_stands_for_a_song_in_whatever_order_it_was_played(
    runtime: Runtime, empty: Servers
) -> None:
    somebody = a_user(runtime)
    # The very first track of the song is one without an id, which only names it.
    add(runtime, somebody, as_account_data(exported(SINGLE, 0)), source="spotify_account_data")
    for track in (SINGLE, ALBUM, BEST_OF):
        add(runtime, somebody, exported(track, 3600))
    files = [(exported(track, 600 * number),) for number, track in enumerate((SINGLE, ALBUM, BEST_OF, OTHER))]
    by_name = as_account_data(exported(SINGLE, 7200))
    in_order, backwards, names_first = (a_user(runtime) for _ in range(3))
    for user_id, order in ((in_order, files), (backwards, files[::-1]), (names_first, files[::-1])):
        if user_id == names_first:
            add(runtime, user_id, by_name, source="spotify_account_data")
        for entries in order:
            add(runtime, user_id, *entries)
        if user_id != names_first:
            add(runtime, user_id, by_name, source="spotify_account_data")

    single, other = keys_of(empty, SINGLE, OTHER)
    for user_id in (in_order, backwards, names_first):
        plays = packed(runtime, user_id)
        assert [play.track_id for play in plays] == [single, single, single, other, single]
        assert plays == packed(runtime, in_order)
        assert plays[0].album != plays[3].album


def test_where_the_first_track_comes_later_its_sound_and_album_are_told_of_older_plays_too(
    runtime: Runtime, empty: Servers
) -> None:
    """Blocks in which nothing was played anew refer to the track that stood for the song until then."""
    somebody, user_id = a_user(runtime), a_user(runtime)
    for track in (SINGLE, ALBUM, BEST_OF):
        add(runtime, somebody, exported(track, 0))
    learn(runtime, SINGLE.spotify_id, "reccobeats", {"valence": 0.25})
    learn(runtime, ALBUM.spotify_id, "reccobeats", {"energy": 0.5})
    learn(runtime, BEST_OF.spotify_id, "spotify", {"valence": 0.75, "energy": 0.75, "tempo": 120.5})
    add(runtime, user_id, *(exported(BEST_OF, seconds) for seconds in (3000, 3600, 4200)))
    best_of, single = packed(runtime, user_id)[0], packed(runtime, somebody)[0]
    assert {by for _, _, by in best_of.features} == {"spotify"}

    add(runtime, user_id, exported(SINGLE, 7200), exported(ALBUM, 7800))

    plays = packed(runtime, user_id)
    # What one track leaves open, the next one tells.
    sound = {("valence", 0.25, "reccobeats"), ("energy", 0.5, "reccobeats"), ("tempo", 120.5, "spotify")}
    assert all(set(play.features) == sound for play in plays)
    assert {play.album for play in plays} == {single.album}
    assert {play.track_id for play in plays} == set(keys_of(empty, SINGLE))
    assert single.album != best_of.album


def generations(servers: Servers, user_id: UUID) -> dict[str, list[int]]:
    """Of the blocks of each kind, and of all of it."""
    with psycopg.connect(servers.database_url) as connection:
        return {
            table: [
                generation
                for (generation,) in connection.execute(
                    f"SELECT generation FROM {table} WHERE user_id = %s ORDER BY {order}",  # noqa: S608
                    [user_id],
                )
            ]
            for table, order in {
                "history_blocks": "number",
                "history_track_blocks": "number",
                "packed_histories": "user_id",
            }.items()
        }


def test_what_says_the_same_as_before_is_new_to_nobody(runtime: Runtime, empty: Servers) -> None:
    user_id = a_user(runtime)
    add(runtime, user_id, *(exported(track, 600 * number) for number, track in enumerate(RECORDINGS)))
    before = generations(empty, user_id)
    assert {name: len(blocks) for name, blocks in before.items()} == {
        "history_blocks": 3,
        "history_track_blocks": 3,
        "packed_histories": 1,
    }

    bring_up_to_date(runtime, user_id)
    packed_anew(runtime, user_id)
    assert generations(empty, user_id) == before

    learn(runtime, RECORDINGS[2].spotify_id, "spotify", {"valence": 0.75})
    bring_up_to_date(runtime, user_id)
    after = generations(empty, user_id)
    assert after["history_blocks"] == before["history_blocks"]
    (newest,) = after["packed_histories"]
    assert newest > before["packed_histories"][0]
    first, _, last = before["history_track_blocks"]
    assert after["history_track_blocks"] == [first, newest, last]


def test_what_a_new_track_of_a_known_song_tells_is_told_of_the_song_at_once(
    runtime: Runtime, empty: Servers
) -> None:
    """It stands in a block of its own, and the song that it is of in an older one."""
    somebody, user_id = a_user(runtime), a_user(runtime)
    single, best_of = RECORDINGS[0], RECORDINGS[3]
    for track in (single, best_of, RECORDINGS[1]):
        add(runtime, somebody, exported(track, 0))
    poll(runtime, somebody, told_by_spotify(best_of), [])
    learn(runtime, best_of.spotify_id, "spotify", {"valence": 0.75})
    # The neighbour in the block of the song.
    learn(runtime, RECORDINGS[1].spotify_id, "reccobeats", {"energy": 0.25})
    add(runtime, user_id, exported(single, 0), *(exported(track, 600) for track in RECORDINGS[1:3]))
    add(runtime, user_id, exported(OTHER, 1200))

    before = generations(empty, user_id)["history_track_blocks"]

    add(runtime, user_id, exported(best_of, 3600))

    plays = packed(runtime, user_id)
    (first,) = keys_of(empty, single)
    of_the_song = [play for play in plays if play.track_id == first]
    assert [(play.duration_ms, play.features) for play in of_the_song] == [
        (200_000, (("valence", 0.75, "spotify"),))
    ] * 2
    # Blocks of two: the song is in the first of two, and its new track begins the third.
    after = generations(empty, user_id)["history_track_blocks"]
    assert (len(before), len(after)) == (2, 3)
    assert after[0] > before[0]
    assert after[1] == before[1]
    assert packed_anew(runtime, user_id) == plays


def test_which_track_stands_for_a_song_does_not_depend_on_what_counts(
    runtime: Runtime, empty: Servers
) -> None:
    """The better source tells the first track's only play, too, under another id."""
    somebody, user_id = a_user(runtime), a_user(runtime)
    for track in (SINGLE, BEST_OF):
        add(runtime, somebody, exported(track, 0))
    poll(runtime, user_id, told_by_spotify(SINGLE), [(SINGLE.spotify_id, 0)])
    add(runtime, user_id, exported(BEST_OF, 0), exported(BEST_OF, 3000), exported(OTHER, 3600))

    plays = packed(runtime, user_id)

    single, other = keys_of(empty, SINGLE, OTHER)
    assert [(play.ended_at, play.track_id) for play in plays] == [
        (int(after_noon(seconds).timestamp()), track)
        for seconds, track in ((0, single), (3000, single), (3600, other))
    ]
    assert packed_anew(runtime, user_id) == plays


def test_a_song_that_is_given_the_name_of_another_becomes_that_one(runtime: Runtime, empty: Servers) -> None:
    user_id = a_user(runtime)
    first, second, third = RECORDINGS[:3]
    plays = [(first.spotify_id, 0), (second.spotify_id, 600), (first.spotify_id, 1200)]
    poll(runtime, user_id, told_by_spotify(first, second), plays)
    renamed = replace(second, title=first.title)
    assert len({play.track_id for play in packed(runtime, user_id)}) == 2

    # A new song brings to light what is new of itself; the next refresh, what is of all others.
    poll(runtime, user_id, told_by_spotify(first, renamed, third), [(third.spotify_id, 3600)])
    bring_up_to_date(runtime, user_id)

    one, other = keys_of(empty, first, third)
    assert [play.track_id for play in packed(runtime, user_id)] == [one, one, one, other]
    # And back again.
    poll(runtime, user_id, told_by_spotify(second), [])
    bring_up_to_date(runtime, user_id)
    assert [play.track_id for play in packed(runtime, user_id)] == [
        *keys_of(empty, first, second, first, third)
    ]


def refreshed(runtime: Runtime, user_id: UUID) -> None:
    bring_up_to_date(runtime, user_id)


def played_something_new(runtime: Runtime, user_id: UUID) -> None:
    add(runtime, user_id, exported(recording("new", "Harbour", "album"), 7200))
    bring_up_to_date(runtime, user_id)


@pytest.mark.parametrize("then", [refreshed, played_something_new])
def test_tracks_that_are_gone_shift_no_other(
    runtime: Runtime, empty: Servers, then: Callable[[Runtime, UUID], None]
) -> None:
    """Somebody deleted rows by hand: the blocks know a track that the tables do not."""
    user_id = a_user(runtime)
    first, second, third = RECORDINGS[:3]
    add(runtime, user_id, exported(first, 0), exported(second, 600), exported(third, 1200))
    with psycopg.connect(empty.database_url) as connection:
        chosen = {"spotify_id": first.spotify_id}
        connection.execute(
            "DELETE FROM plays WHERE track_id = (SELECT id FROM tracks WHERE spotify_id = %(spotify_id)s)",
            chosen,
        )
        connection.execute("DELETE FROM tracks WHERE spotify_id = %(spotify_id)s", chosen)

    then(runtime, user_id)

    assert [play.track_id for play in packed(runtime, user_id)][:2] == keys_of(empty, second, third)
    assert bare(packed(runtime, user_id)) == told_by_plays(runtime, user_id)
