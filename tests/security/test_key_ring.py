"""The key file: made once however many processes start, readable by its owner only, never guessed at."""

import base64
import json
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spotify_insights.errors import SetupError
from spotify_insights.security.key_file import create_key_file
from spotify_insights.security.key_ring import KEY_BYTES, KeyRing

CANARY_KEY = b"\xca" * KEY_BYTES


def test_a_new_key_file_holds_one_random_key_of_256_bits(tmp_path: Path) -> None:
    rings = []
    for name in ("one.json", "two.json"):
        assert create_key_file(tmp_path / name)
        rings.append(KeyRing.from_file(tmp_path / name))
    for ring in rings:
        assert list(ring.keys) == [ring.primary]
        assert len(ring.keys[ring.primary]) * 8 == 256
    assert rings[0].keys[rings[0].primary] != rings[1].keys[rings[1].primary]


def test_only_the_owner_may_read_it(tmp_path: Path) -> None:
    create_key_file(tmp_path / "keys.json")
    assert stat.S_IMODE((tmp_path / "keys.json").stat().st_mode) == 0o600


def test_an_existing_file_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.write_text("whatever it holds")
    assert not create_key_file(path)
    assert path.read_text() == "whatever it holds"


def test_many_starting_at_once_make_one_complete_file(tmp_path: Path) -> None:
    for attempt in range(20):
        path = tmp_path / f"keys-{attempt}.json"
        together = threading.Barrier(8)

        def start(path: Path = path, together: threading.Barrier = together) -> tuple[bool, bytes]:
            together.wait()
            written = create_key_file(path)
            # Whoever lost the race finds a complete ring at once.
            ring = KeyRing.from_file(path)
            return written, ring.keys[ring.primary]

        with ThreadPoolExecutor(8) as pool:
            outcomes = [future.result() for future in [pool.submit(start) for _ in range(8)]]
        assert sum(written for written, _ in outcomes) == 1
        assert len({key for _, key in outcomes}) == 1
    assert len(list(tmp_path.iterdir())) == 20, "a draft was left behind"


def test_the_first_key_of_the_file_seals(tmp_path: Path) -> None:
    path = written(tmp_path, {"new": CANARY_KEY, "old": b"o" * KEY_BYTES})
    ring = KeyRing.from_file(path)
    assert (ring.primary, list(ring.keys)) == ("new", ["new", "old"])
    assert "\\xca" not in repr(ring)


def test_a_missing_file_is_told_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    with pytest.raises(SetupError) as refusal:
        KeyRing.from_file(path)
    assert refusal.value.message == (
        f"The key file {path} does not exist. Restore it from your backup: stored tokens cannot be read "
        "without it. A new installation makes one with `spotify-insights keys generate`."
    )


def test_what_cannot_be_read_says_why(tmp_path: Path) -> None:
    with pytest.raises(SetupError) as refusal:
        KeyRing.from_file(tmp_path)
    assert refusal.value.message == f"The key file {tmp_path} cannot be read: Is a directory."


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"{", b"\xff\xfe", b"[]", b'"a key"', b"7", b'{"k": 5}', b'{"k": null}', b'{"k": {}}'),
        b'{"k": "not base64!"}',
        b'{"k": "\xc3\xa9"}',
    ],
)
def test_a_damaged_file_is_no_key_ring(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "keys.json"
    path.write_bytes(content)
    with pytest.raises(SetupError) as refusal:
        KeyRing.from_file(path)
    assert refusal.value.message == f"The key file {path} is not a key ring. Restore it from your backup."


@pytest.mark.parametrize("keys", [{}, {"k": b""}, {"k": CANARY_KEY[:16]}, {"a": CANARY_KEY, "b": b"short"}])
def test_a_ring_without_a_whole_key_is_not_used(tmp_path: Path, keys: dict[str, bytes]) -> None:
    path = written(tmp_path, keys)
    with pytest.raises(SetupError) as refusal:
        KeyRing.from_file(path)
    assert refusal.value.message == f"The key file {path} holds no usable key. Restore it from your backup."


@given(
    content=st.binary(max_size=80)
    | st.recursive(st.none() | st.text(), st.lists).map(json.dumps).map(str.encode)
)
def test_any_other_content_is_refused_without_repeating_it(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "arbitrary.json"
    path.write_bytes(content)
    with pytest.raises(SetupError) as refusal:
        KeyRing.from_file(path)
    assert refusal.value.message.startswith(f"The key file {path} ")
    assert refusal.value.__cause__ is None


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    path = tmp_path / "missing" / "keys.json"
    with pytest.raises(SetupError) as refusal:
        create_key_file(path)
    assert refusal.value.message == f"The key file {path} cannot be written: No such file or directory."


def written(folder: Path, keys: dict[str, bytes]) -> Path:
    """A key file as an operator may have put it together."""
    path = folder / "keys.json"
    path.write_text(json.dumps({name: base64.b64encode(key).decode() for name, key in keys.items()}))
    return path
