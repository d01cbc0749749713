"""Telling requests apart: by all they carry, only with the key file, whichever of its keys is primary."""

import hashlib
import hmac
import os

from hypothesis import given
from hypothesis import strategies as st

from spotify_insights.idempotency.request_hash import RequestHasher
from spotify_insights.security.key_ring import KEY_BYTES, KeyRing

OLD, NEW = os.urandom(KEY_BYTES), os.urandom(KEY_BYTES)
SECRET = b'{"refresh_token": "AQC-canary"}'
requests = st.lists(st.binary(max_size=20), min_size=1, max_size=5)


@given(requests, requests)
def test_two_requests_have_one_hash_exactly_if_they_are_equal(one: list[bytes], other: list[bytes]) -> None:
    hasher = RequestHasher(KeyRing("a", {"a": OLD}))

    assert (hasher.hashes(*one) == hasher.hashes(*other)) == (one == other)


def test_no_part_lends_its_end_to_the_next() -> None:
    hasher = RequestHasher(KeyRing("a", {"a": OLD}))

    assert hasher.hashes(b"/api/users", b"register") != hasher.hashes(b"/api/users/", b"register"[1:])
    assert hasher.hashes(b"ab", b"c") != hasher.hashes(b"a", b"bc")
    assert hasher.hashes(b"abc", b"") != hasher.hashes(b"abc")


def test_processes_with_one_ring_agree_and_another_ring_hashes_otherwise() -> None:
    [here] = RequestHasher(KeyRing("a", {"a": OLD})).hashes(SECRET)
    [there] = RequestHasher(KeyRing("b", {"b": OLD})).hashes(SECRET)
    [elsewhere] = RequestHasher(KeyRing("a", {"a": NEW})).hashes(SECRET)

    assert here == there
    assert here != elsewhere


def test_what_is_known_without_the_key_file_gives_no_hash() -> None:
    [stored] = RequestHasher(KeyRing("a", {"a": OLD})).hashes(SECRET)
    framed = len(SECRET).to_bytes(8, "big") + SECRET

    assert stored not in {hashlib.sha256(guess).hexdigest() for guess in (SECRET, framed)}
    # Nor is it what the key that seals tokens gives when it is used as it is.
    content = hashlib.sha256(framed).digest()
    assert stored != hmac.digest(OLD, content, "sha256").hex()


def test_a_hash_from_before_a_new_primary_key_is_known_after_it() -> None:
    [stored] = RequestHasher(KeyRing("old", {"old": OLD})).hashes(SECRET)

    renewed = RequestHasher(KeyRing("new", {"old": OLD, "new": NEW}))

    assert stored in renewed.hashes(SECRET)
    assert stored != renewed.hashes(SECRET)[0]
    assert stored not in renewed.hashes(SECRET + b" ")
