import base64
import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from access_trials import (
    a_family,
    access_token_of,
    an_access_token,
    an_admin,
    bearer,
    change,
    expire_everything,
    give_role,
    revoke_everything,
)
from makers import a_user
from spotify_insights.access.access_tokens import AccessTokens
from spotify_insights.access.scopes import Scope, UserRole
from spotify_insights.clock import now
from spotify_insights.runtime import Runtime

Claims = dict[str, Any]


def profile(client: TestClient, user_id: UUID, token: str) -> int:
    return client.get(f"/api/users/{user_id}", headers=bearer(token)).status_code


def signing_key(runtime: Runtime) -> Ed25519PrivateKey:
    """The installation's own key, which no attacker has: what it signs fails for its claims alone."""
    return runtime.authenticator.access_tokens._key().private


def resigned(
    runtime: Runtime,
    token: str,
    *,
    key: Any = None,
    algorithm: str = "EdDSA",
    headers: Mapping[str, Any] | None = None,
    **changes: Any,
) -> str:
    """The token with other claims, header or key; a claim that becomes None is left out."""
    claims = jwt.decode(token, options={"verify_signature": False}) | changes
    header = {
        name: value for name, value in jwt.get_unverified_header(token).items() if name in {"typ", "kid"}
    }
    return jwt.encode(
        {name: value for name, value in claims.items() if value is not None},
        signing_key(runtime) if key is None else key,
        algorithm=algorithm,
        headers=header | dict(headers or {}),
    )


def part(document: Mapping[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(document).encode()).decode().rstrip("=")


def test_a_token_says_what_rfc_9068_asks_for(runtime: Runtime) -> None:
    user_id = a_user(runtime)
    family = a_family(runtime, user_id, [Scope.PROFILE_READ, Scope.TASKS_READ])
    token = access_token_of(runtime, family)
    header = jwt.get_unverified_header(token)
    claims = jwt.decode(token, options={"verify_signature": False})

    assert (header["alg"], header["typ"]) == ("EdDSA", "at+jwt")
    assert (claims["iss"], claims["aud"]) == ("http://127.0.0.1:8000", "http://127.0.0.1:8000/api")
    assert (claims["sub"], claims["sid"]) == (str(user_id), str(family.session_id))
    assert claims["scope"] == "profile:read tasks:read"
    assert claims["exp"] - claims["iat"] == 600
    assert claims["nbf"] == claims["iat"]
    assert (
        len(
            {
                claims["jti"],
                jwt.decode(access_token_of(runtime, family), options={"verify_signature": False})["jti"],
            }
        )
        == 2
    )


def test_a_token_lets_its_user_in(runtime: Runtime, required_client: TestClient) -> None:
    user_id, somebody_else = a_user(runtime), a_user(runtime)
    token = an_access_token(runtime, user_id)

    assert profile(required_client, user_id, token) == 200
    assert profile(required_client, somebody_else, token) == 404


@pytest.mark.parametrize("end", [expire_everything, revoke_everything])
def test_a_token_ends_with_its_family(
    runtime: Runtime, required_client: TestClient, end: Callable[[Runtime, UUID], None]
) -> None:
    user_id = a_user(runtime)
    token = an_access_token(runtime, user_id)
    before = profile(required_client, user_id, token)
    end(runtime, user_id)

    assert (before, profile(required_client, user_id, token)) == (200, 401)


def test_a_token_lasts_ten_minutes(runtime: Runtime, required_client: TestClient) -> None:
    family = a_family(runtime, a_user(runtime))

    def issued(ago: timedelta) -> str:
        given_out: datetime = now() - ago
        tokens = runtime.authenticator.access_tokens
        return tokens.issue(
            user_id=family.user_id, session_id=family.session_id, scopes=family.scopes, at=given_out
        ).get_secret_value()

    assert profile(required_client, family.user_id, issued(timedelta(minutes=9))) == 200
    assert profile(required_client, family.user_id, issued(timedelta(minutes=10, seconds=30))) == 401
    assert profile(required_client, family.user_id, issued(-timedelta(minutes=1))) == 401


WRONG_CLAIMS: list[Claims] = [
    {"iss": "http://elsewhere.example"},
    {"aud": "http://127.0.0.1:8000"},
    {"aud": ["http://127.0.0.1:8000/api", "http://elsewhere.example"]},
    {"sid": str(uuid4())},
    {"sub": str(uuid4())},
    {"sid": "none"},
    {"sub": "none"},
    {"sid": 7},
    {"scope": ["profile:read"]},
    *({name: None} for name in ("iss", "aud", "exp", "iat", "nbf", "sub", "jti", "sid", "scope")),
]
OTHER_HEADERS: list[dict[str, Any]] = [
    {"typ": "JWT"},
    {"typ": None},
    {"kid": "another"},
    {"kid": ""},
    {"kid": "../../dev/null"},
    {"crit": ["exp"]},
    {"jku": "http://elsewhere.example/keys"},
    {"jwk": {"kty": "oct", "k": "AAAA"}},
]


def test_a_token_with_a_wrong_or_missing_claim_is_refused(
    runtime: Runtime, required_client: TestClient
) -> None:
    user_id = a_user(runtime)
    token = an_access_token(runtime, user_id)
    statuses = {
        str(changes): profile(required_client, user_id, resigned(runtime, token, **changes))
        for changes in ({}, *WRONG_CLAIMS)
    }

    assert statuses == {"{}": 200} | {str(changes): 401 for changes in WRONG_CLAIMS}


def test_a_token_with_another_header_is_refused(runtime: Runtime, required_client: TestClient) -> None:
    user_id = a_user(runtime)
    token = an_access_token(runtime, user_id)
    statuses = {
        str(headers): profile(required_client, user_id, resigned(runtime, token, headers=headers))
        for headers in OTHER_HEADERS
    }

    assert statuses == {str(headers): 401 for headers in OTHER_HEADERS}


def test_a_token_that_somebody_else_signed_is_refused(runtime: Runtime, required_client: TestClient) -> None:
    user_id = a_user(runtime)
    token = an_access_token(runtime, user_id)

    assert (
        profile(required_client, user_id, resigned(runtime, token, key=Ed25519PrivateKey.generate())) == 401
    )


def test_a_token_that_nobody_signed_is_refused(runtime: Runtime, required_client: TestClient) -> None:
    user_id = a_user(runtime)
    header, payload, signature = an_access_token(runtime, user_id).split(".")
    kid = jwt.get_unverified_header(f"{header}.{payload}.{signature}")["kid"]
    headers = [part({"typ": "at+jwt", "alg": name, "kid": kid}) for name in ("none", "None", "NONE", "")]
    shown = [
        f"{header}.{payload}.",
        *(f"{unsigned}.{payload}.{end}" for unsigned in headers for end in ("", signature)),
    ]

    assert {profile(required_client, user_id, each) for each in shown} == {401}


@pytest.mark.filterwarnings("ignore::jwt.InsecureKeyLengthWarning")
def test_the_public_key_is_no_password_for_another_algorithm(
    runtime: Runtime, required_client: TestClient
) -> None:
    user_id = a_user(runtime)
    token = an_access_token(runtime, user_id)
    public = signing_key(runtime).public_key()
    for written in (
        public.public_bytes(Encoding.Raw, PublicFormat.Raw),
        jwt.get_unverified_header(token)["kid"].encode(),
        b"",
    ):
        forged = resigned(runtime, token, key=written or b"\0", algorithm="HS256")
        assert profile(required_client, user_id, forged) == 401


def test_a_changed_character_anywhere_is_noticed(runtime: Runtime, required_client: TestClient) -> None:
    user_id = a_user(runtime)
    token = an_access_token(runtime, user_id)
    for place in range(0, len(token) - 1, 41):
        changed = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
        assert profile(required_client, user_id, changed) == 401


def test_tokens_of_another_address_are_none_of_ours(runtime: Runtime, required_client: TestClient) -> None:
    family = a_family(runtime, a_user(runtime))
    elsewhere = AccessTokens(runtime.installation_secrets, public_url="https://insights.example")
    token = elsewhere.issue(user_id=family.user_id, session_id=family.session_id, scopes=family.scopes)

    assert profile(required_client, family.user_id, token.get_secret_value()) == 401


def test_a_browser_session_is_no_family_of_tokens(runtime: Runtime, required_client: TestClient) -> None:
    user_id = a_user(runtime)
    family = a_family(runtime, user_id)
    change(runtime, "UPDATE sessions SET kind = 'browser', token_hash = 'x'")

    assert profile(required_client, user_id, access_token_of(runtime, family)) == 401


def test_a_token_of_somebody_who_is_no_admin_any_more_reaches_no_further_than_they_do(
    runtime: Runtime, required_client: TestClient
) -> None:
    user_id = an_admin(runtime)
    token = bearer(an_access_token(runtime, user_id))
    before = required_client.get("/api/admin/queues", headers=token).status_code
    give_role(runtime, user_id, UserRole.USER)
    after = required_client.get("/api/admin/queues", headers=token).status_code

    assert (before, after) == (200, 403)


def test_a_token_that_claims_more_than_its_family_has_gets_no_more(
    runtime: Runtime, required_client: TestClient
) -> None:
    user_id = a_user(runtime)
    token = an_access_token(runtime, user_id, [Scope.PROFILE_READ])
    widened = resigned(runtime, token, scope="profile:read tasks:read listening:read connections:read")

    assert profile(required_client, user_id, widened) == 200
    connections = required_client.get(f"/api/users/{user_id}/connections", headers=bearer(widened))
    assert connections.status_code == 403


@pytest.fixture
def tokens(runtime: Runtime) -> AccessTokens:
    return runtime.authenticator.access_tokens


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    st.text(max_size=300)
    | st.lists(st.from_regex("[A-Za-z0-9_-]{0,60}", fullmatch=True), min_size=1, max_size=4).map(".".join)
)
def test_whatever_else_is_shown_is_refused_quietly(tokens: AccessTokens, shown: str) -> None:
    assert tokens.read(shown) is None


def test_a_header_without_end_is_refused_quietly(tokens: AccessTokens) -> None:
    deep = base64.urlsafe_b64encode(b"[" * 1500).decode().rstrip("=")

    assert tokens.read(f"{deep}.e30.e30") is None
    assert tokens.read("e30." * 5000) is None
