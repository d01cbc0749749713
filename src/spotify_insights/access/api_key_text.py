"""How an API key is written: `si_<id>_<secret><checksum>`, all of it in base 62.

The id finds the row, the secret of 43 characters carries 256 random bits, and the checksum (CRC-32 of what
stands before it) lets everybody tell a key from a typing error without asking the database. The form is easy
to find for programs that look for secrets in published code.
"""

import re
import secrets
import zlib
from dataclasses import dataclass
from string import ascii_lowercase, ascii_uppercase, digits
from typing import Final

from spotify_insights.observability import holds_a_secret

PREFIX: Final = "si_"
KEY_ID_PATTERN: Final = "^[0-9A-Za-z]{12}$"
_ALPHABET: Final = digits + ascii_uppercase + ascii_lowercase
_ID_LENGTH: Final = 12
_SECRET_LENGTH: Final = 43
_CHECKSUM_LENGTH: Final = 6
_FORM: Final = re.compile(
    rf"si_([0-9A-Za-z]{{{_ID_LENGTH}}})_([0-9A-Za-z]{{{_SECRET_LENGTH}}})([0-9A-Za-z]{{6}})"
)


@dataclass(frozen=True, repr=False)
class ApiKeyText:
    """The two parts of a key: the public one, and the one that nobody sees twice."""

    key_id: str
    secret: str

    @property
    def text(self) -> str:
        """The whole key, as its owner keeps it."""
        unchecked = f"{PREFIX}{self.key_id}_{self.secret}"
        return unchecked + _checksum(unchecked)


def new_api_key_text() -> ApiKeyText:
    """A key that nobody has. Its id, which logs may show, looks like nobody's secret."""
    key_id = _random(_ID_LENGTH)
    # Spotify's tokens begin with two letters that one of two thousand ids begins with, too.
    while holds_a_secret(key_id):
        key_id = _random(_ID_LENGTH)
    return ApiKeyText(key_id=key_id, secret=_random(_SECRET_LENGTH))


def read_api_key_text(text: str) -> ApiKeyText | None:
    """The parts of a key; None for what is no key, or one that was mistyped."""
    found = _FORM.fullmatch(text)
    if found is None:
        return None
    key = ApiKeyText(key_id=found[1], secret=found[2])
    return key if key.text == text else None


def _random(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def _checksum(unchecked: str) -> str:
    rest = zlib.crc32(unchecked.encode("ascii"))
    written = ""
    for _ in range(_CHECKSUM_LENGTH):
        rest, digit = divmod(rest, len(_ALPHABET))
        written = _ALPHABET[digit] + written
    return written
