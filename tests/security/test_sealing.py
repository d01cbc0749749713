"""A sealed secret opens where it was sealed, with a key of its ring, and nowhere else."""

import string
from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from pydantic import SecretStr

from spotify_insights.security.key_ring import KEY_BYTES, KeyRing
from spotify_insights.security.sealing import BrokenSealError, SealedPlace, SealedText, Sealer

CANARY = "BQD-canary-f3a9"
NAMES = st.text(string.ascii_lowercase + "_", min_size=1, max_size=20)
PLACES = st.builds(SealedPlace, table=NAMES, column=NAMES, row_id=st.uuids(), user_id=st.uuids())
KEYS = st.binary(min_size=KEY_BYTES, max_size=KEY_BYTES)
# Whatever an operator may have typed into the file.
KEY_IDS = st.text(min_size=1, max_size=12)
RINGS = st.dictionaries(KEY_IDS, KEYS, min_size=1, max_size=4).map(
    lambda keys: KeyRing(primary=next(iter(keys)), keys=keys)
)

RING = KeyRing(primary="k1", keys={"k1": bytes(range(KEY_BYTES))})
PLACE = SealedPlace(
    table="spotify_tokens", column="sealed_access_token", row_id=UUID(int=1), user_id=UUID(int=2)
)


@given(secret=st.text(), place=PLACES, ring=RINGS)
@example(secret="", place=PLACE, ring=RING)
@example(secret="AQC…\x00\U0001f511", place=PLACE, ring=RING)
@example(secret="AQC", place=PLACE, ring=KeyRing(primary="2026:11", keys={"2026:11": b"k" * KEY_BYTES}))
def test_any_secret_opens_where_it_was_sealed(secret: str, place: SealedPlace, ring: KeyRing) -> None:
    sealer = Sealer(ring)
    assert sealer.open(sealer.seal(SecretStr(secret), place), place).get_secret_value() == secret


@given(place=PLACES, change=st.sampled_from(["table", "column", "row_id", "user_id"]), other=PLACES)
def test_it_opens_in_no_other_table_column_row_or_for_another_person(
    place: SealedPlace, change: str, other: SealedPlace
) -> None:
    assume(getattr(place, change) != getattr(other, change))
    elsewhere = replace(place, **{change: getattr(other, change)})
    assert_broken(Sealer(RING), Sealer(RING).seal(SecretStr(CANARY), place), elsewhere)


@given(key=KEYS, other_key=KEYS)
def test_it_does_not_open_with_another_key_of_the_same_name(key: bytes, other_key: bytes) -> None:
    assume(key != other_key)
    sealed = Sealer(KeyRing(primary="k1", keys={"k1": key})).seal(SecretStr(CANARY), PLACE)
    assert_broken(Sealer(KeyRing(primary="k1", keys={"k1": other_key})), sealed, PLACE)


def test_it_does_not_open_with_a_ring_that_lacks_its_key() -> None:
    sealed = Sealer(RING).seal(SecretStr(CANARY), PLACE)
    stranger = Sealer(KeyRing(primary="k2", keys={"k2": bytes(range(KEY_BYTES))}))
    assert_broken(stranger, sealed, PLACE)


@given(data=st.data(), secret=st.text(max_size=12))
def test_a_single_changed_character_keeps_it_shut(data: st.DataObject, secret: str) -> None:
    sealed = Sealer(RING).seal(SecretStr(CANARY + secret), PLACE)
    position = data.draw(st.integers(0, len(sealed) - 1), label="position")
    changed = data.draw(
        st.characters(codec="utf-8").filter(lambda c: c != sealed[position]), label="character"
    )
    assert_broken(Sealer(RING), SealedText(sealed[:position] + changed + sealed[position + 1 :]), PLACE)


@pytest.mark.parametrize("length", range(6))
def test_even_the_bits_that_base64_leaves_over_may_not_be_changed(length: int) -> None:
    """The last character before the padding carries two or four bits that a lax decoder ignores."""
    sealed = Sealer(RING).seal(SecretStr("x" * length), PLACE)
    letters = sealed.rstrip("=")
    padding = sealed[len(letters) :]
    for other in string.ascii_letters + string.digits + "+/":
        if other != letters[-1]:
            assert_broken(Sealer(RING), SealedText(letters[:-1] + other + padding), PLACE)


@given(text=st.text(max_size=60))
@example(text="v1:k1:")
@example(text="v1:k1:AAAA")
@example(text="v2:k1:AAAA")
def test_what_was_never_sealed_does_not_open(text: str) -> None:
    assert_broken(Sealer(RING), SealedText(text), PLACE)


def test_sealing_the_same_secret_twice_gives_two_texts() -> None:
    sealer = Sealer(RING)
    texts = {sealer.seal(SecretStr(CANARY), PLACE) for _ in range(100)}
    assert len(texts) == 100


@given(old=RINGS, key=KEYS, secret=st.text())
def test_what_an_older_key_sealed_still_opens_after_a_new_one_came_first(
    old: KeyRing, key: bytes, secret: str
) -> None:
    assume("newest" not in old.keys)
    sealed = Sealer(old).seal(SecretStr(secret), PLACE)
    rotated = Sealer(KeyRing(primary="newest", keys={"newest": key, **old.keys}))
    assert rotated.open(sealed, PLACE).get_secret_value() == secret
    assert rotated.seal(SecretStr(secret), PLACE).startswith("v1:newest:")


def test_an_opened_secret_is_not_shown_by_accident() -> None:
    sealer = Sealer(RING)
    opened = sealer.open(sealer.seal(SecretStr(CANARY), PLACE), PLACE)
    for shown in (repr(opened), str(opened), f"{opened}", repr({"token": opened}), repr(sealer), repr(RING)):
        assert CANARY not in shown
        assert repr(RING.keys["k1"])[2:-1] not in shown


def test_the_sealed_text_holds_nothing_of_the_secret() -> None:
    sealed = Sealer(RING).seal(SecretStr(CANARY * 20), PLACE)
    assert "canary" not in sealed


def assert_broken(sealer: Sealer, sealed: SealedText, place: SealedPlace) -> None:
    """It stays shut, and the sentence tells neither the secret nor the sealed text."""
    with pytest.raises(BrokenSealError) as refusal:
        sealer.open(sealed, place)
    assert refusal.value.__cause__ is None
    assert refusal.value.message == (
        f"A sealed value in {place.table} cannot be opened. Start with the key file it was sealed with."
    )
