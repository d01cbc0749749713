import io
import random
import zipfile
from contextlib import AbstractContextManager, suppress

import pytest

from export_files import (
    ACCOUNT_FOLDER,
    AUDIO_NAME,
    EXTENDED_FOLDER,
    NOW,
    account_podcast_row,
    account_row,
    batches,
    endsong_row,
    extended_row,
    extended_zip,
    json_file,
    opened,
    zip_file,
)
from spotify_insights.errors import InvalidInputError
from spotify_insights.spotify_export import archive, refusals
from spotify_insights.spotify_export.refusals import FILE_IN_ZIP, THIS_FILE
from spotify_insights.spotify_export.zip_guard import GuardedZip, ZipFileReader


def refused(content: bytes, name: str = "my_spotify_data.zip") -> str:
    with pytest.raises(InvalidInputError) as error:
        batches(content, name)
    assert error.value.field == "file"
    return error.value.message


BOTH = {
    f"{ACCOUNT_FOLDER}/StreamingHistory_music_10.json": [account_row()],
    f"{ACCOUNT_FOLDER}/StreamingHistory_music_9.json": [account_row(), account_row()],
    f"{ACCOUNT_FOLDER}/StreamingHistory_podcast_0.json": [account_podcast_row()],
    f"{EXTENDED_FOLDER}/Streaming_History_Video_2018-2025.json": [extended_row()],
    f"{EXTENDED_FOLDER}/Streaming_History_Audio_2024_10.json": [extended_row()],
    f"{EXTENDED_FOLDER}/Streaming_History_Audio_2024_9.json": [extended_row()],
    "MyData/endsong_0.json": [endsong_row()],
    "MyData/StreamingHistory0.json": [],
    f"{EXTENDED_FOLDER}/ReadMeFirst_ExtendedStreamingHistory.pdf": b"%PDF-1.4",
    f"__MACOSX/{EXTENDED_FOLDER}/._Streaming_History_Audio_2024_9.json": b"\0\5\x16\7",
}


def test_all_history_files_are_found_in_any_folder_and_in_a_stable_order() -> None:
    content = zip_file(BOTH)
    export = opened(content)
    assert [(file.name, file.source, file.is_video) for file in export.files] == [
        ("endsong_0.json", "spotify_export", False),
        ("Streaming_History_Audio_2024_9.json", "spotify_export", False),
        ("Streaming_History_Audio_2024_10.json", "spotify_export", False),
        ("Streaming_History_Video_2018-2025.json", "spotify_export", True),
        ("StreamingHistory0.json", "spotify_account_data", False),
        ("StreamingHistory_podcast_0.json", "spotify_account_data", False),
        ("StreamingHistory_music_9.json", "spotify_account_data", False),
        ("StreamingHistory_music_10.json", "spotify_account_data", False),
    ]
    reordered = zip_file(dict(reversed(BOTH.items())))
    assert opened(reordered).files == export.files
    assert batches(content) == batches(reordered)


def test_files_of_an_export_come_in_the_order_of_their_running_number_whichever_years_stand_before() -> None:
    names = [
        "Streaming_History_Audio_2016-2017_0.json",
        "Streaming_History_Audio_2017_1.json",
        "Streaming_History_Audio_2017-2018_2.json",
        "Streaming_History_Audio_2018_10.json",
    ]
    content = zip_file({f"{EXTENDED_FOLDER}/{name}": [extended_row()] for name in reversed(names)})
    assert [file.name for file in opened(content).files] == names


def test_every_file_ends_with_all_of_its_bytes_read() -> None:
    export = opened(zip_file(BOTH))
    last = {batch.file_name: batch.bytes_read for batch in export.batches(now=NOW)}
    assert last == {file.name: file.size for file in export.files}
    assert export.total_bytes == sum(last.values())


def test_reading_can_begin_at_any_file_and_be_repeated() -> None:
    export = opened(extended_zip([extended_row()], [extended_row(), extended_row()], [extended_row()]))
    whole = list(export.batches(now=NOW))
    assert [batch.rows for batch in whole] == [1, 2, 1]
    assert list(export.batches(now=NOW, first_file=1)) == whole[1:]
    assert list(export.batches(now=NOW)) == whole


def test_batches_have_about_as_many_rows_as_asked_for_and_lose_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "spotify_insights.spotify_export.json_rows.read_rows.__kwdefaults__",
        {"about": THIS_FILE, "piece_bytes": 10_000},
    )
    rows = [extended_row(ms_played=number) for number in range(100)]
    read = list(opened(extended_zip(rows)).batches(now=NOW, rows=30))
    assert [entry.ms_played for batch in read for entry in batch.music] == list(range(100))
    assert all(30 <= len(batch.music) < 60 for batch in read[:-1])
    assert [batch.bytes_read for batch in read] == sorted(batch.bytes_read for batch in read)


def test_two_files_of_one_name_in_two_folders_are_both_read_and_told_apart() -> None:
    content = zip_file({f"{folder}/{AUDIO_NAME}": [extended_row()] for folder in ("first", "second")})
    assert [batch.file_name for batch in batches(content)] == [f"first/{AUDIO_NAME}", f"second/{AUDIO_NAME}"]


def test_who_somebody_is_is_never_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    asked_for: list[str] = []
    original = GuardedZip.open

    def remembering(self: GuardedZip, entry: zipfile.ZipInfo) -> AbstractContextManager[ZipFileReader]:
        asked_for.append(entry.filename)
        return original(self, entry)

    monkeypatch.setattr(GuardedZip, "open", remembering)
    personal: tuple[str, ...] = (
        "Userdata.json",
        "Identity.json",
        "Payments.json",
        "Inferences.json",
        "SearchQueries.json",
    )
    personal += ("StreamingHistory_music_0.json.txt", "xStreamingHistory0.json", "YourLibrary.json")
    batches(
        zip_file(
            {f"{ACCOUNT_FOLDER}/{name}": b"not json" for name in personal}
            | {"endsong_3.json": [endsong_row()]}
        )
    )
    assert set(asked_for) == {"endsong_3.json"}


def test_a_single_file_may_have_any_name_and_may_be_renamed_to_zip() -> None:
    for name in ("history (1).json", "export.zip", "C:\\files\\x.json", "", "a/" * 1000 + "b" * 1000):
        (batch,) = batches(json_file([extended_row()]), name)
        assert len(batch.music) == 1
        assert len(batch.file_name) <= 200
        assert not {"/", "\\"} & set(batch.file_name)


def test_a_zip_is_known_by_its_content() -> None:
    assert [len(batch.music) for batch in batches(extended_zip([extended_row()]), "Userdata.json")] == [1]


def test_nothing_of_the_file_is_closed_or_needed_at_its_beginning() -> None:
    for content in (extended_zip([extended_row()]), json_file([extended_row()])):
        file = io.BytesIO(content)
        file.seek(0, io.SEEK_END)
        export = archive.open_export(file, AUDIO_NAME)
        assert [batch.rows for batch in export.batches(now=NOW)] == [1]
        assert not file.closed


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        (
            {f"{ACCOUNT_FOLDER}/{name}": b"{}" for name in ("Userdata.json", "Playlist1.json")},
            refusals.ACCOUNT_DATA_ALONE,
        ),
        ({"Spotify Technical Log Information/AddedToPlaylist.json": b"[]"}, refusals.TECHNICAL_LOG),
        ({"my_spotify_data.zip": extended_zip([extended_row()])}, refusals.ZIP_IN_ZIP),
        ({"holiday.jpg": b"\xff"}, refusals.NO_HISTORY),
        ({}, refusals.NO_HISTORY),
    ],
)
def test_a_zip_without_history_is_refused_and_says_what_to_request(
    files: dict[str, bytes], sentence: str
) -> None:
    assert refused(zip_file(files)) == sentence
    if sentence != refusals.ZIP_IN_ZIP:
        assert "https://www.spotify.com/account/privacy/" in sentence
        assert "“Extended streaming history”" in sentence


LAST_FM = [{"track": "Half Moon", "artist": "Anouk Fenmore", "date": {"uts": "1746475949"}}]
LISTENBRAINZ = [{"listened_at": 1_746_475_949, "track_metadata": {"track_name": "Half Moon"}}]
SPOTIFY_PLAYLISTS = [{"name": "Mine", "lastModifiedDate": "2026-05-01", "items": []}]


@pytest.mark.parametrize(
    "rows", [LAST_FM, LISTENBRAINZ, SPOTIFY_PLAYLISTS, [LAST_FM], [{}] * 1000, [1], ["x"]]
)
def test_other_peoples_rows_are_refused_whatever_their_name(rows: list[object]) -> None:
    assert refused(json_file(rows), AUDIO_NAME) == refusals.OTHER_SCHEMA.format(file=THIS_FILE)
    assert refused(extended_zip(rows)) == refusals.OTHER_SCHEMA.format(file=FILE_IN_ZIP)


def test_other_schemas_and_encodings_are_refused_before_any_row_is_given() -> None:
    good = [extended_row()] * 1000
    for bad in (
        json_file(LAST_FM),
        json_file([extended_row(platform="Möwe")]).decode().encode("latin-1"),
    ):
        with pytest.raises(InvalidInputError):
            opened(zip_file({"Streaming_History_Audio_1.json": good, "Streaming_History_Audio_2.json": bad}))


def test_a_list_that_begins_well_and_goes_on_as_something_else_is_refused() -> None:
    content = json_file([extended_row()] + [{"other": number} for number in range(20_000)])
    assert refused(content) == refusals.MOSTLY_BAD.format(file=THIS_FILE)


def test_somebodys_damaged_history_is_read_with_its_bad_rows_counted() -> None:
    read = batches(json_file([extended_row()] + [{"other": number} for number in range(9_000)]))
    assert (sum(len(batch.music) for batch in read), sum(batch.bad for batch in read)) == (1, 9_000)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", refusals.EMPTY.format(file=THIS_FILE)),
        (b"%PDF-1.4", refusals.NEITHER_ZIP_NOR_JSON),
        (b"\x1f\x8b\x08\x00" * 10, refusals.NEITHER_ZIP_NOR_JSON),
        (b"7z\xbc\xaf\x27\x1c", refusals.NEITHER_ZIP_NOR_JSON),
        (b"ts,ms_played\n", refusals.NEITHER_ZIP_NOR_JSON),
        (b"\0" * 1000, refusals.NEITHER_ZIP_NOR_JSON),
        (b"PK\x03\x04", refusals.DAMAGED_ZIP),
        (b"PK\x05\x06" + b"\0" * 10, refusals.DAMAGED_ZIP),
        (b"{}", refusals.NOT_A_LIST.format(file=THIS_FILE)),
        (json_file([extended_row()])[:-1], refusals.TRUNCATED.format(file=THIS_FILE)),
        (
            json_file([extended_row()]).decode().encode("utf-16"),
            refusals.WRONG_ENCODING.format(file=THIS_FILE),
        ),
        # Not in what we keep, but in what we look at.
        (b'[{"ts":"","ms_played":1,"user_agent":"\xe9"}]', refusals.WRONG_ENCODING.format(file=THIS_FILE)),
    ],
)
def test_what_is_no_export_at_all(content: bytes, sentence: str) -> None:
    assert refused(content) == sentence


def test_every_sentence_says_what_happened_and_what_to_do() -> None:
    sentences = [value for name, value in vars(refusals).items() if name.isupper() and isinstance(value, str)]
    sentences = [value for value in sentences if value.endswith(".")]
    assert len(sentences) > 20
    for sentence in sentences:
        assert sentence.count(".") - sentence.count("www.spotify.com") * 2 == 1
        assert "; " in sentence


def test_random_damage_to_a_zip_is_refused_or_harmless() -> None:
    content = extended_zip([extended_row(ms_played=number) for number in range(50)])
    roll = random.Random(5)  # noqa: S311  damage, not secrets
    for _ in range(400):
        damaged = bytearray(content)
        for _ in range(roll.choice((1, 1, 2, 8))):
            damaged[roll.randrange(len(damaged))] = roll.randrange(256)
        if roll.random() < 0.2:
            del damaged[roll.randrange(len(damaged)) :]
        with suppress(InvalidInputError):
            batches(bytes(damaged))
