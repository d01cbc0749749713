"""Secrets that can be recognised anywhere, and the eye that looks for them.

Fixed ones are what makers and trials use by themselves. All others are noted at the moment they come into
being in this process: whatever becomes a `SecretStr`, is drawn from `secrets`, is hashed as a password or
signed as a token. So every test that uses a secret is part of the canary run, without doing anything for it.
"""

import base64
import json
import secrets
import sys
from collections.abc import Callable, Iterator
from functools import wraps
from pathlib import Path
from typing import Any, Final

import argon2
import jwt
from pydantic import SecretStr

from spotify_insights.access import api_key_text

# No text of ours, no random value and no base64 of one has it inside by chance.
MARK: Final = "k4N4rYqZ7hT2wXpL5v"

ACCESS_TOKEN: Final = f"BQD-{MARK}-access"
REFRESH_TOKEN: Final = f"AQC-{MARK}-refresh"
CLIENT_SECRET: Final = f"{MARK}-client-secret"
PASSWORD: Final = f"{MARK} horse battery staple"
LISTENBRAINZ_TOKEN: Final = "cafef00d-4a4e-4152-9a4e-c0dec0dec0de"
AUTHORIZATION_CODE: Final = f"AQ-{MARK}-code"
CODE_VERIFIER: Final = f"{MARK}-code-verifier-of-forty-three-characters"
_FIXED: Final = {
    "the mark of a canary": MARK,
    "the ListenBrainz token": LISTENBRAINZ_TOKEN,
}
# Shorter ones would be found by chance, and protect nothing.
_SHORTEST: Final = 8
_SHORTEST_RANDOM_BYTES: Final = 16
_SHORTEST_MIDDLE: Final = 12

_lasting: dict[str, str] = {}
_of_this_test: dict[str, str] = {}


class Canaries:
    """The secrets to look for, each in every spelling that a sink may give it."""

    def __init__(self, values: dict[str, str]) -> None:
        """`values` are names by value."""
        self._needles = [
            (spelling, name)
            for value, name in values.items()
            for spelling in _spellings(value.encode("utf-8", "surrogatepass"))
        ]

    def found_in(self, content: bytes | str) -> list[str]:
        """The names of the secrets that `content` holds."""
        data = content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass")
        return sorted({name for needle, name in self._needles if needle in data})


def register(value: str, name: str = "a registered secret") -> str:
    """Look for `value` until the end of this test, too; returns it."""
    if len(value) >= _SHORTEST:
        _of_this_test[value] = name
    return value


def register_key_file(path: Path) -> None:
    """Look for the keys of that file as long as tests run."""
    for key in _texts(json.loads(path.read_text(encoding="utf-8"))):
        if len(key) >= 40:
            _lasting[key] = "a key of the key ring"


def known_canaries() -> Canaries:
    """Everything that must not be seen now."""
    fixed = {value: name for name, value in _FIXED.items()}
    return Canaries({**_of_this_test, **_lasting, **fixed})


def forget_those_of_the_last_test() -> None:
    _of_this_test.clear()


def watch_secrets_come_into_being() -> None:
    """From here on, secrets of this process are registered by themselves. Safe to repeat."""
    _tell(SecretStr, "__init__", lambda _, self, *__: _register_setting(self.get_secret_value()))
    for draw in ("token_urlsafe", "token_hex", "token_bytes"):
        _tell(secrets, draw, _register_drawn)
    _tell(
        api_key_text,
        "_random",
        lambda drawn, _length: register(drawn, "the secret of an API key") if len(drawn) > 20 else None,
    )
    _tell(
        argon2.PasswordHasher,
        "hash",
        lambda _, __, password, **___: register(
            password if isinstance(password, str) else password.decode("utf-8", "replace"), "a password"
        ),
    )
    _tell(jwt.PyJWT, "encode", lambda token, *_, **__: register(token, "a signed token"))


def _tell(owner: Any, name: str, told: Callable[..., object]) -> None:
    original = getattr(owner, name)
    if hasattr(original, "tells_canaries"):
        return

    @wraps(original)
    def telling(*args: Any, **kwargs: Any) -> Any:
        result = original(*args, **kwargs)
        told(result, *args, **kwargs)
        return result

    telling.tells_canaries = True  # type: ignore[attr-defined]  # a mark for ourselves
    setattr(owner, name, telling)


def _register_drawn(drawn: str | bytes, size: int | None = None) -> None:
    # Two frames up from here is who asked; libraries draw for purposes of their own.
    asked_by = sys._getframe(2).f_globals.get("__name__", "")
    if not asked_by.startswith("spotify_insights.") or (size or 32) < _SHORTEST_RANDOM_BYTES:
        return
    if isinstance(drawn, str):
        register(drawn, f"what {asked_by} drew")
        return
    for written in (base64.b64encode(drawn), base64.urlsafe_b64encode(drawn)):
        register(written.decode().rstrip("="), f"what {asked_by} drew")


def _register_setting(value: object) -> None:
    if isinstance(value, str) and "://" not in value:
        register(value, "a SecretStr")


def _spellings(value: bytes) -> Iterator[bytes]:
    yield value
    yield value.hex().encode()
    # Inside a longer text that is written in base64 it looks one of three ways, but for its ends.
    for offset in range(3):
        padded = base64.b64encode(b"\0" * offset + value)
        middle = padded[4 if offset else 0 : -4]
        if len(middle) >= _SHORTEST_MIDDLE:
            yield middle


def _texts(document: Any) -> Iterator[str]:
    if isinstance(document, str):
        yield document
    elif isinstance(document, dict):
        for inner in document.values():
            yield from _texts(inner)
    elif isinstance(document, list):
        for inner in document:
            yield from _texts(inner)
