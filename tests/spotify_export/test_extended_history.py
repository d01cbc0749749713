from datetime import UTC, datetime

import msgspec
import pytest

from export_files import (
    NOW,
    TRACK_ID,
    audiobook_row,
    batches,
    counted,
    endsong_row,
    extended_row,
    json_file,
    music,
    podcast_row,
    spoken,
    without_names,
)
from spotify_insights.spotify_export.entry import MusicEntry, SpokenEntry

VIDEO = "Streaming_History_Video_2018-2025.json"


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_a_row_of_today_becomes_an_entry_with_everything_but_the_address() -> None:
    assert music(extended_row()) == [
        MusicEntry(
            ended_at=utc("2025-05-05 20:15:30"),
            ms_played=181_000,
            track_name="Half Moon",
            artist_name="Anouk Fenmore",
            spotify_id=TRACK_ID,
            album_name="Low Tide",
            platform="ios",
            country="DE",
            reason_start="trackdone",
            reason_end="fwdbtn",
            shuffle=False,
            skipped=False,
            offline=False,
        )
    ]


def test_the_moment_is_the_end_and_in_utc() -> None:
    (entry,) = music(extended_row())
    assert entry.ended_at.tzinfo is UTC


def test_a_row_of_the_oldest_files_is_read_and_says_nothing_about_the_person() -> None:
    (batch,) = batches(json_file([endsong_row()]), "endsong_0.json")
    assert [entry.ended_at for entry in batch.music] == [utc("2019-03-02 08:00:00")]
    everything = msgspec.json.encode(batch).decode()
    assert "secret" not in everything
    assert "203.0.113" not in everything


def test_nulls_in_every_field_that_may_be_null_are_none() -> None:
    may_be_null = {
        key: None for key in extended_row() if key not in {"ts", "ms_played", "master_metadata_track_name"}
    }
    (entry,) = music(extended_row(**may_be_null))
    assert entry == MusicEntry(utc("2025-05-05 20:15:30"), 181_000, "Half Moon", "")


def test_a_row_with_only_moment_length_and_names_is_enough() -> None:
    row = {key: extended_row()[key] for key in ("ts", "ms_played", "master_metadata_track_name")}
    assert counted(row) == (1, 0, 0, 0)


def test_empty_texts_are_as_good_as_none() -> None:
    (entry,) = music(extended_row(reason_end="", platform="", master_metadata_album_album_name=""))
    assert (entry.reason_end, entry.platform, entry.album_name) == (None, None, None)
    assert counted(without_names(episode_name="", master_metadata_track_name="")) == (0, 0, 1, 0)


def test_an_unknown_country_is_none() -> None:
    assert [entry.country for entry in music(extended_row(conn_country="ZZ"))] == [None]


@pytest.mark.parametrize("length", [0, 1, 29_999, 7 * 24 * 3_600_000])
def test_every_possible_length_is_kept_also_beyond_the_track(length: int) -> None:
    assert [entry.ms_played for entry in music(extended_row(ms_played=length))] == [length]


@pytest.mark.parametrize(
    ("uri", "spotify_id"),
    [
        (f"spotify:track:{TRACK_ID}", TRACK_ID),
        ("spotify:local:Anouk+Fenmore:Low+Tide:Half+Moon:181", None),
        ("spotify:local:::some+file:180", None),
        (f"spotify:episode:{TRACK_ID}", None),
        (f"spotify:track:{TRACK_ID[:-1]}", None),
        (f"spotify:track:{TRACK_ID}x", None),
        (f"spotify:track:{TRACK_ID[:-1]}-", None),
        # A digit to Python, but not to base 62.
        (f"spotify:track:{TRACK_ID[:-1]}²", None),
        (f"https://open.spotify.com/track/{TRACK_ID}", None),
        (12, None),
        ("", None),
    ],
)
def test_only_a_track_of_22_base62_characters_has_an_id(uri: object, spotify_id: str | None) -> None:
    assert [entry.spotify_id for entry in music(extended_row(spotify_track_uri=uri))] == [spotify_id]


@pytest.mark.parametrize(
    ("ts", "written", "understood"),
    [
        ("2022-09-30T23:59:59Z", False, None),
        ("2022-09-30T23:59:59Z", None, None),
        ("2022-09-30T23:59:59Z", True, True),
        ("2022-10-01T00:00:00Z", False, False),
        ("2022-10-01T00:00:00Z", True, True),
        ("2022-10-01T00:00:00Z", None, None),
    ],
)
def test_skipped_is_believed_since_spotify_tells_it(
    ts: str,
    written: bool | None,  # noqa: FBT001
    understood: bool | None,  # noqa: FBT001
) -> None:
    assert [entry.skipped for entry in music(extended_row(ts=ts, skipped=written))] == [understood]


@pytest.mark.parametrize(("written", "private"), [(True, True), (False, False), (None, False)])
def test_private_sessions_are_marked(written: bool | None, private: bool) -> None:  # noqa: FBT001
    assert [e.private_session for e in music(extended_row(incognito_mode=written))] == [private]
    assert [e.private_session for e in spoken(podcast_row(incognito_mode=written))] == [private]


def test_a_podcast_is_kept_apart_from_music() -> None:
    assert spoken(podcast_row()) == [
        SpokenEntry(
            kind="podcast",
            ended_at=utc("2025-05-05 20:15:30"),
            ms_played=181_000,
            title="On Harbours",
            show_name="The Lantern Hour",
            spotify_uri="spotify:episode:4rOoJ6Egrf8K2IrywzwOMk",
            platform="ios",
            country="DE",
            reason_start="trackdone",
            reason_end="fwdbtn",
        )
    ]
    assert music(podcast_row()) == []


def test_an_audiobook_is_known_by_chapter_and_title() -> None:
    (entry,) = spoken(audiobook_row())
    assert (entry.kind, entry.title, entry.show_name) == ("audiobook", "Chapter 3", "The Long Tide")
    assert entry.spotify_uri == "spotify:episode:0V5QjXKmVsLxM6JYNYlGKq"
    (entry,) = spoken(audiobook_row(audiobook_chapter_title=None, audiobook_chapter_uri=None))
    assert (entry.title, entry.spotify_uri) == ("The Long Tide", "spotify:show:7iHfbu1YPACw6oZPAFJtqe")


def test_a_podcast_without_its_episode_is_known_by_its_show() -> None:
    assert [entry.title for entry in spoken(podcast_row(episode_name=None))] == ["The Lantern Hour"]


def test_a_row_that_names_a_track_is_music_whatever_else_it_names() -> None:
    row = podcast_row() | audiobook_row(master_metadata_track_name="Half Moon", episode_name="On Harbours")
    assert counted(row) == (1, 0, 0, 0)


def test_a_removed_track_without_names_is_unnamed_even_with_its_uri() -> None:
    assert counted(without_names(), without_names(spotify_track_uri=f"spotify:track:{TRACK_ID}")) == (
        0,
        0,
        2,
        0,
    )


def test_a_file_of_videos_marks_music_and_leaves_podcasts_podcasts() -> None:
    (batch,) = batches(json_file([extended_row(), podcast_row()]), VIDEO)
    assert [entry.is_video for entry in batch.music] == [True]
    assert [entry.kind for entry in batch.spoken] == ["podcast"]
    assert [entry.is_video for entry in music(extended_row())] == [False]


@pytest.mark.parametrize(
    "row",
    [
        extended_row(ms_played=-1),
        extended_row(ms_played=7 * 24 * 3_600_000 + 1),
        extended_row(ms_played=None),
        extended_row(ms_played="181000"),
        extended_row(ms_played=1.5),
        extended_row(ms_played=True),
        extended_row(ms_played=10**400),
        extended_row(ts=None),
        extended_row(ts=1_746_475_949),
        extended_row(ts="yesterday"),
        extended_row(ts="2025-05-05T20:15:30"),
        extended_row(ts="2025-02-30T20:15:30Z"),
        extended_row(ts="2005-12-31T23:59:59Z"),
        extended_row(ts="2026-11-23T12:00:01Z"),
        extended_row(ts="0001-01-01T00:00:00+02:00"),
        extended_row(master_metadata_track_name="Half\0Moon"),
        extended_row(platform="i\0os"),
        podcast_row(episode_show_name="\0"),
        {"ms_played": 1},
        {"ts": "2025-05-05T20:15:30Z"},
        {},
        [],
        [[extended_row()]],
        "row",
        None,
        3,
    ],
)
def test_an_impossible_row_is_bad_and_its_neighbours_are_not(row: object) -> None:
    assert counted(extended_row(), row, podcast_row()) == (1, 1, 0, 1)


@pytest.mark.parametrize("half", [r"\ud83d", r"\ude00", r"\ud83dx", r"\ud83d\u0041", r"\ude00\ud83d"])
def test_half_a_surrogate_pair_is_bad_in_a_name_and_nothing_in_the_user_agent(half: str) -> None:
    text = json_file(
        [extended_row(), extended_row(master_metadata_track_name="Half HERE Moon"), extended_row()]
    )
    (batch,) = batches(text.replace(b"HERE", half.encode()))
    assert (len(batch.music), batch.bad) == (2, 1)
    (batch,) = batches(json_file([extended_row(user_agent_decrypted="HERE")]).replace(b"HERE", half.encode()))
    assert (len(batch.music), batch.bad) == (1, 0)


def test_what_only_looks_like_a_nul_or_a_surrogate_is_text() -> None:
    names = [r"\u0000", r"C:\ud83d", "\\", '"', "😀", "\N{LATIN SMALL LETTER E}\N{COMBINING ACUTE ACCENT}"]
    rows = [extended_row(master_metadata_track_name=name) for name in names]
    assert [entry.track_name for entry in music(*rows)] == names


def test_a_text_of_more_than_a_thousand_characters_is_cut_and_the_play_kept() -> None:
    (entry,) = music(extended_row(master_metadata_track_name="ß" * 1001, platform="x" * 5000))
    assert (entry.track_name, entry.platform) == ("ß" * 1000, "x" * 1000)


def test_fields_of_a_wrong_type_are_none_and_the_play_is_kept() -> None:
    (entry,) = music(
        extended_row(
            ms_played=181_000.0, shuffle="yes", skipped=1, conn_country=49, reason_end={"a": [{}, {}]}
        )
    )
    assert entry.ms_played == 181_000
    assert (entry.shuffle, entry.skipped, entry.country, entry.reason_end) == (None, None, None, None)


def test_the_same_words_are_one_object_for_all_rows() -> None:
    first, second = music(extended_row(platform="iOS 15.6.1"), extended_row(platform="iOS 15.6.1"))
    assert first.platform is second.platform


def test_the_present_moment_is_the_one_given() -> None:
    ahead = extended_row(ts="2026-11-24T00:00:00Z")
    assert batches(json_file([ahead]))[0].bad == 1
    (batch,) = batches(json_file([ahead]), now=NOW.replace(day=23))
    assert batch.bad == 0
