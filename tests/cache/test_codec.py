"""How values become bytes and back, and what is refused on the way back."""

import hashlib
import hmac
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import override

from spotify_insights.cache.codec import ForgedValueError, JsonCodec, RefusedValueError, SignedPickleCodec

KEY = bytes(range(32))
CODEC = SignedPickleCodec(KEY, purpose="weekly figures")

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(st.characters(codec="utf-8")),
    lambda values: (
        st.lists(values, max_size=4)
        | st.dictionaries(st.text(st.characters(codec="utf-8")), values, max_size=4)
    ),
    max_leaves=12,
)


@dataclass
class Payload:
    """Leaves a file when it is unpickled: proof that foreign code ran."""

    trace: Path

    @override
    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Path]]:
        return Path.touch, (self.trace,)


@dataclass
class Figure:
    name: str
    made_on: date


class Vanishing:
    """A class that the next version of the program does not have any more."""


def signed(payload: bytes, *, key: bytes = KEY, purpose: bytes = b"weekly figures") -> bytes:
    """What RFC 2104 over purpose and payload gives, computed here."""
    return hmac.new(key, purpose + b"\0" + payload, hashlib.sha256).digest() + payload


@given(json_values)
def test_json_values_come_back_as_they_were(value: Any) -> None:
    assert JsonCodec().loads(JsonCodec().dumps(value)) == value


@pytest.mark.parametrize("data", [b"", b"{", b"\xff\xfe\xfa", b"[" * 100_000, b"\x80\x04K\x01."])
def test_what_is_no_json_is_refused(data: bytes) -> None:
    with pytest.raises(RefusedValueError):
        JsonCodec().loads(data)


def test_python_values_come_back_as_they_were() -> None:
    value = {
        "figures": [Figure("plays", date(2026, 11, 22))],
        "at": datetime(2026, 11, 22, 9, 15, tzinfo=UTC),
        "ids": {UUID(int=7), UUID(int=8)},
        "raw": b"\0\xff",
    }

    assert CODEC.loads(CODEC.dumps(value)) == value


def test_the_signature_is_hmac_sha256_over_purpose_and_payload() -> None:
    data = CODEC.dumps([1, 2, 3])

    assert data == signed(data[32:])


def test_a_payload_would_execute_if_it_were_unpickled(tmp_path: Path) -> None:
    trace = tmp_path / "executed"

    pickle.loads(pickle.dumps(Payload(trace)))  # noqa: S301  # that it runs is what this shows

    assert trace.exists()


@pytest.mark.parametrize(
    "forge",
    {
        "no signature": lambda payload: payload,
        "a signature of zeros": lambda payload: bytes(32) + payload,
        "another key": lambda payload: signed(payload, key=bytes(32)),
        "another purpose": lambda payload: signed(payload, purpose=b"monthly figures"),
        "a purpose that begins alike": lambda payload: signed(payload, purpose=b"weekly figures\0"),
        "the bare hash": lambda payload: hashlib.sha256(payload).digest() + payload,
        "the signature of another value": lambda payload: signed(pickle.dumps(1))[:32] + payload,
        "a truncated signature": lambda payload: signed(payload)[1:],
        "something appended": lambda payload: signed(payload) + b".",
    }.items(),
    ids=lambda forge: forge[0],
)
def test_a_value_that_we_did_not_sign_is_never_unpickled(
    tmp_path: Path, forge: tuple[str, Callable[[bytes], bytes]]
) -> None:
    trace = tmp_path / "executed"
    payload = pickle.dumps(Payload(trace))

    with pytest.raises(ForgedValueError):
        CODEC.loads(forge[1](payload))

    assert not trace.exists()


@given(st.data())
def test_one_changed_or_missing_byte_is_noticed(data: st.DataObject) -> None:
    value = CODEC.dumps({"plays": 50})
    place = data.draw(st.integers(0, len(value) - 1))
    changed = bytearray(value)
    changed[place] ^= data.draw(st.integers(1, 255))

    for damaged in (bytes(changed), value[:place]):
        with pytest.raises(ForgedValueError):
            CODEC.loads(damaged)


def test_a_value_of_a_class_that_is_gone_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    data = CODEC.dumps(Vanishing())
    monkeypatch.delitem(globals(), "Vanishing")

    with pytest.raises(RefusedValueError):
        CODEC.loads(data)


@pytest.mark.parametrize("payload", [b"", b"\x80", b"not a pickle", pickle.dumps([1])[:-1]])
def test_signed_bytes_that_are_no_pickle_are_refused(payload: bytes) -> None:
    with pytest.raises(RefusedValueError):
        CODEC.loads(signed(payload))


@pytest.mark.parametrize("key", [b"", b"short", bytes(31)])
def test_a_key_that_is_too_short_is_not_taken(key: bytes) -> None:
    with pytest.raises(ValueError, match="at least 32 bytes"):
        SignedPickleCodec(key, purpose="weekly figures")
