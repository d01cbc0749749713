import io
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from typing_extensions import override

from export_files import AUDIO_NAME, NOW, batches, extended_row, extended_zip, json_file, zip_file
from spotify_insights.errors import InvalidInputError
from spotify_insights.spotify_export import refusals
from spotify_insights.spotify_export.archive import open_export
from spotify_insights.spotify_export.refusals import FILE_IN_ZIP
from spotify_insights.spotify_export.zip_guard import GuardedZip


def refused(content: bytes) -> str:
    with pytest.raises(InvalidInputError) as error:
        batches(content, "my_spotify_data.zip")
    return error.value.message


def with_entry(change: Callable[[zipfile.ZipInfo], None], *, name: str = AUDIO_NAME) -> bytes:
    """An export with one more entry, made by hand."""
    memory = io.BytesIO(extended_zip([extended_row()]))
    with zipfile.ZipFile(memory, "a") as archive:
        entry = zipfile.ZipInfo(name)
        change(entry)
        archive.writestr(entry, json_file([extended_row()]))
    return memory.getvalue()


def leave(entry: zipfile.ZipInfo) -> None:
    pass


@pytest.mark.parametrize(
    "name",
    [
        "/etc/passwd", f"/{AUDIO_NAME}", f"../{AUDIO_NAME}", f"a/../../{AUDIO_NAME}", "..",
        f"C:/{AUDIO_NAME}", f"c:{AUDIO_NAME}", f"..\\{AUDIO_NAME}", f"a\\{AUDIO_NAME}",
        f"{AUDIO_NAME}\0.txt", "//", f"//host/{AUDIO_NAME}",
    ],
)  # fmt: skip
def test_names_that_lead_out_of_the_folder_are_refused(name: str) -> None:
    placeholder = "x" * len(name.encode())
    content = with_entry(leave, name=placeholder).replace(placeholder.encode(), name.encode())
    assert refused(content) == refusals.UNSAFE_NAME


def test_names_with_dots_that_lead_nowhere_are_fine() -> None:
    assert len(batches(with_entry(leave, name=f"..a/b..c/...{AUDIO_NAME[:1]}/{AUDIO_NAME}"))) == 2


def test_links_are_refused() -> None:
    def link(entry: zipfile.ZipInfo) -> None:
        entry.external_attr = 0o120777 << 16

    assert refused(with_entry(link)) == refusals.LINK


def test_two_entries_of_one_name_are_refused() -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        content = with_entry(
            leave, name="Spotify Extended Streaming History/Streaming_History_Audio_2016-2026_0.json"
        )
    assert refused(content) == refusals.NAME_TWICE


def test_encrypted_entries_are_refused() -> None:
    content = bytearray(extended_zip([extended_row()]))
    for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(signature) + flags] |= 1
    assert refused(bytes(content)) == refusals.ENCRYPTED


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_methods_without_a_bound_on_memory_are_refused(method: int) -> None:
    def compressed(entry: zipfile.ZipInfo) -> None:
        entry.compress_type = method

    assert refused(with_entry(compressed)) == refusals.UNKNOWN_COMPRESSION


def test_unknown_methods_are_refused() -> None:
    content = bytearray(extended_zip([extended_row()]))
    struct.pack_into("<H", content, content.index(b"PK\x01\x02") + 10, 99)
    assert refused(bytes(content)) == refusals.UNKNOWN_COMPRESSION


@pytest.mark.parametrize("count", [500, 501])
def test_more_than_five_hundred_entries_are_refused(count: int) -> None:
    content = zip_file({AUDIO_NAME: [extended_row()]} | {f"{number}.txt": b"" for number in range(count - 1)})
    if count == 500:
        assert len(batches(content)) == 1
    else:
        assert refused(content) == refusals.TOO_MANY_ENTRIES


def test_a_directory_of_megabytes_is_refused_before_it_is_read() -> None:
    content = zip_file({f"{'x' * 4000}{number}": b"" for number in range(300)})
    assert refused(content) == refusals.TOO_MANY_ENTRIES


def test_a_bomb_is_refused_by_its_ratio_wherever_it_is() -> None:
    for name in (AUDIO_NAME, "readme.txt"):
        content = zip_file({"endsong_0.json": [extended_row()], name: b" " * (2 << 20)})
        assert refused(content) == refusals.UNPACKS_TOO_FAR


def test_many_small_bombs_are_refused_together() -> None:
    # Each is harmless alone: a megabyte.
    content = zip_file({f"{number}.txt": b" " * (1 << 20) for number in range(40)})
    assert refused(content) == refusals.UNPACKS_TOO_FAR


def test_entries_that_share_their_bytes_are_refused_together() -> None:
    body = bytes(range(256)) * 8192
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as archive:
        archive.writestr("a.txt", body[: 1 << 18])
        (first,) = archive.infolist()
        for number in range(400):
            entry = zipfile.ZipInfo(f"{number}.txt")
            entry.header_offset, entry.CRC = first.header_offset, first.CRC
            entry.file_size = entry.compress_size = first.file_size
            archive.filelist.append(entry)
            archive.NameToInfo[entry.filename] = entry
    content = memory.getvalue()
    assert len(content) < 1 << 19
    assert refused(content) == refusals.UNPACKS_TOO_FAR


def test_what_unpacks_to_more_than_four_gibibytes_is_refused(tmp_path: Path) -> None:
    content = bytearray(zip_file({AUDIO_NAME: [extended_row()], "b.txt": b"x"}))
    for place in (content.index(b"PK\x01\x02"), content.rindex(b"PK\x01\x02")):
        # Compressed and unpacked size, as if each were half and more of it.
        struct.pack_into("<LL", content, place + 20, 1 << 25, (1 << 31) + 1)
    path = tmp_path / "large.zip"
    path.write_bytes(content)
    with path.open("r+b") as file, pytest.raises(InvalidInputError) as error:
        open_export(file, "large.zip")
    assert error.value.message == refusals.UNPACKS_TOO_LARGE


def announcing(difference: int, rows: int = 2000) -> bytes:
    """A zip whose directory announces that much more or less than there is."""
    content = bytearray(extended_zip([extended_row(ms_played=number) for number in range(rows)]))
    place = content.index(b"PK\x01\x02") + 24
    (size,) = struct.unpack_from("<L", content, place)
    struct.pack_into("<L", content, place, size + difference)
    return bytes(content)


@pytest.mark.parametrize("difference", [-1_000_000, -1, 1, 1000])
def test_a_directory_that_lies_about_the_size_is_refused(difference: int) -> None:
    assert refused(announcing(difference)) in {
        refusals.DAMAGED_ZIP,
        refusals.TRUNCATED.format(file=FILE_IN_ZIP),
        refusals.MALFORMED.format(file=FILE_IN_ZIP),
    }


def test_no_more_is_unpacked_than_was_announced() -> None:
    content = zip_file({AUDIO_NAME: b"[" + b"a" * 1000})
    place = content.index(b"PK\x01\x02") + 24
    guarded = GuardedZip(io.BytesIO(content[:place] + struct.pack("<L", 10) + content[place + 4 :]))
    # What was announced is all there is to be read, and the checksum is that of more.
    with guarded.open(guarded.files[0]) as reader, pytest.raises(InvalidInputError):
        reader.read(1 << 20)


def test_a_wrong_checksum_is_refused() -> None:
    content = bytearray(extended_zip([extended_row()]))
    content[content.index(b"PK\x01\x02") + 16] ^= 1
    assert refused(bytes(content)) == refusals.DAMAGED_ZIP


def test_a_zip_cut_short_is_refused() -> None:
    content = extended_zip([extended_row(ms_played=number) for number in range(100)])
    assert refused(content[: len(content) // 2]) == refusals.DAMAGED_ZIP


def test_a_zip_named_as_a_history_file_is_not_opened() -> None:
    content = zip_file({AUDIO_NAME: extended_zip([extended_row()])})
    assert refused(content) == refusals.MALFORMED.format(file=FILE_IN_ZIP)


class Breaking(io.BytesIO):
    """A file whose disk breaks after so many reads."""

    def __init__(self, content: bytes, *, reads: int) -> None:
        super().__init__(content)
        self.reads = reads

    @override
    def read(self, size: int | None = -1, /) -> bytes:
        self.reads -= 1
        if self.reads < 0:
            raise OSError(5, "Input/output error")
        return super().read(size)


def test_trouble_of_the_storage_is_not_blamed_on_the_file() -> None:
    content = extended_zip([extended_row()])
    sound = Breaking(content, reads=1000)
    assert len(list(open_export(sound, "x.zip").batches(now=NOW))) == 1
    needed = 1000 - sound.reads
    assert needed > 5
    for reads in range(needed):
        with pytest.raises(OSError, match="Input/output error"):
            list(open_export(Breaking(content, reads=reads), "x.zip").batches(now=NOW))
