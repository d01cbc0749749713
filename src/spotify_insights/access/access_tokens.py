"""Access tokens: signed statements of ten minutes about a family of tokens that still stands (RFC 9068).

There is one algorithm, Ed25519 (EdDSA, RFC 8037), and one key, which belongs to the installation. What a
token's header says about keys and algorithms is compared and never followed.
"""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import SecretStr

from spotify_insights.access.derived_key import derived_key
from spotify_insights.access.scopes import Scope
from spotify_insights.clock import now
from spotify_insights.installation.secrets import InstallationSecrets, SecretName

LIFE: Final = timedelta(minutes=10)
# For machines whose clocks differ a little.
_LEEWAY: Final = timedelta(seconds=5)
_ALGORITHM: Final = "EdDSA"
_TYPE: Final = "at+jwt"
_CLAIMS: Final = ["iss", "aud", "exp", "iat", "nbf", "sub", "jti", "sid", "scope"]
# Ours have about 700; nobody needs to read more of something that is none of ours.
_LONGEST: Final = 2048


@dataclass(frozen=True)
class AccessTokenClaims:
    """What a token of ours says. Whether its family still stands, the database knows."""

    user_id: UUID
    session_id: UUID
    scopes: frozenset[str]


@dataclass(frozen=True, repr=False)
class _Key:
    private: Ed25519PrivateKey
    key_id: str


class AccessTokens:
    """Signs and reads the tokens of one installation. Threads may share it.

    Args:
        secrets: they hold what the signing key is derived from.
        public_url: where this installation is reached; tokens are issued by it and good for its API alone.
    """

    def __init__(self, secrets: InstallationSecrets, *, public_url: str) -> None:
        self._secrets = secrets
        self._issuer = public_url.rstrip("/")
        self._audience = f"{self._issuer}/api"
        self._known: _Key | None = None

    @property
    def is_ready(self) -> bool:
        """Whether `read` answers without asking the database."""
        return self._known is not None

    def prepare(self) -> None:
        """Read the secret of the signing key, once.

        Raises:
            UnavailableError: the database does not answer.
        """
        self._key()

    def issue(
        self, *, user_id: UUID, session_id: UUID, scopes: Collection[Scope], at: datetime | None = None
    ) -> SecretStr:
        """A token that says so for ten minutes.

        Args:
            at: from when on; from now on without it.

        Raises:
            UnavailableError: the key is not known yet, and the database does not answer.
        """
        key, since = self._key(), at or now()
        claims = {
            "iss": self._issuer,
            "aud": self._audience,
            "iat": since,
            "nbf": since,
            "exp": since + LIFE,
            "sub": str(user_id),
            "sid": str(session_id),
            "jti": str(uuid4()),
            "scope": " ".join(sorted(scope.value for scope in scopes)),
        }
        return SecretStr(
            jwt.encode(claims, key.private, algorithm=_ALGORITHM, headers={"typ": _TYPE, "kid": key.key_id})
        )

    def read(self, text: str) -> AccessTokenClaims | None:
        """What the token says; None for one that we did not sign for this API, or that is over.

        Raises:
            UnavailableError: the key is not known yet, and the database does not answer.
        """
        key = self._key()
        if len(text) > _LONGEST:
            return None
        try:
            expected = {"typ": _TYPE, "alg": _ALGORITHM, "kid": key.key_id}
            if jwt.get_unverified_header(text) != expected:
                return None
            claims: dict[str, Any] = jwt.decode(
                text,
                key.private.public_key(),
                algorithms=[_ALGORITHM],
                issuer=self._issuer,
                audience=self._audience,
                leeway=_LEEWAY,
                options={"require": _CLAIMS, "strict_aud": True},
            )
            return AccessTokenClaims(
                user_id=UUID(claims["sub"]),
                session_id=UUID(claims["sid"]),
                scopes=frozenset(claims["scope"].split()),
            )
        # Strange input makes the library's decoders raise more than its own errors.
        except (jwt.PyJWTError, ValueError, TypeError, AttributeError, RecursionError):
            return None

    def _key(self) -> _Key:
        if self._known is None:
            seed = derived_key(self._secrets.get(SecretName.ACCESS_TOKEN_KEY), "access token Ed25519 v1")
            private = Ed25519PrivateKey.from_private_bytes(seed)
            public = private.public_key().public_bytes_raw()
            self._known = _Key(private=private, key_id=hashlib.sha256(public).hexdigest()[:16])
        return self._known
