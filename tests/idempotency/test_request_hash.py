"""Telling requests apart: by all they carry, only with the key file, whichever of its keys is primary."""

import hashlib

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spotify_insights.database.role import DatabaseRole
from spotify_insights.idempotency.request_hash import RequestHasher
from spotify_insights.runtime import Runtime
from spotify_insights.settings import Settings

SECRET = b'{"refresh_token": "AQC-canary"}'
requests = st.lists(st.binary(max_size=20), min_size=1, max_size=5)


@given(requests, requests)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_two_requests_have_one_hash_exactly_if_they_are_equal(
    runtime: Runtime, one: list[bytes], other: list[bytes]
) -> None:
    hasher = runtime.request_hasher

    assert (hasher.hash_of(*one) == hasher.hash_of(*other)) == (one == other)


def test_no_part_lends_its_end_to_the_next(runtime: Runtime) -> None:
    hasher = runtime.request_hasher

    assert hasher.hash_of(b"/api/users", b"register") != hasher.hash_of(b"/api/users/", b"register"[1:])
    assert hasher.hash_of(b"ab", b"c") != hasher.hash_of(b"a", b"bc")
    assert hasher.hash_of(b"abc", b"") != hasher.hash_of(b"abc")


def test_every_process_of_an_installation_hashes_alike(settings: Settings, runtime: Runtime) -> None:
    api = Runtime.from_settings(settings, role=DatabaseRole.API)
    here, there = runtime.request_hasher.hash_of(SECRET), api.request_hasher.hash_of(SECRET)
    api.close()

    assert here == there


def test_what_is_known_without_the_key_file_gives_no_hash(runtime: Runtime) -> None:
    stored = runtime.request_hasher.hash_of(SECRET)
    framed = len(SECRET).to_bytes(8, "big") + SECRET

    assert stored not in {hashlib.sha256(guess).hexdigest() for guess in (SECRET, framed)}


def test_a_hasher_asks_the_database_once_and_says_when_it_has(runtime: Runtime) -> None:
    hasher = RequestHasher(runtime.installation_secrets)
    assert not hasher.is_ready

    hasher.prepare()

    assert hasher.is_ready
    assert len(hasher.hash_of(SECRET)) == 64
