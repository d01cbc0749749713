"""Secrets at rest: AES-256-GCM, each ciphertext bound to the row, column and person it belongs to.

The envelope is `v1:<key id>:<base64 of nonce and ciphertext>`. The associated data names table, column, row
and user, so a ciphertext copied into another row does not open (NIST SP 800-38D; `cryptography`'s AESGCM).
"""

import base64
import os
from dataclasses import dataclass
from typing import Final, NewType
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import SecretStr

from spotify_insights.errors import SetupError
from spotify_insights.security.key_ring import KeyRing
from spotify_insights.security.key_source import GivenKeys, KeySource

SealedText = NewType("SealedText", str)
NOBODY: Final = UUID(int=0)
"""In place of a person, where a sealed value belongs to none."""
_NONCE_BYTES: Final = 12


@dataclass(frozen=True)
class SealedPlace:
    """Where a sealed value lives; part of what is authenticated."""

    table: str
    column: str
    row_id: UUID
    user_id: UUID

    @property
    def associated_data(self) -> bytes:
        return f"{self.table}|{self.column}|{self.row_id}|{self.user_id}".encode()


class BrokenSealError(SetupError):
    """A stored secret does not open: foreign key ring, moved row or damaged data."""

    code = "broken_seal"


class Sealer:
    """Seals and opens with the keys of a ring. Threads may share it.

    Where the ring comes from a file, it follows the file's changes: a new primary key seals about a second
    after it was written, and a key that the ring lacks is looked for in the file at once.
    """

    def __init__(self, keys: KeyRing | KeySource) -> None:
        self._source = GivenKeys(keys) if isinstance(keys, KeyRing) else keys

    @property
    def ring(self) -> KeyRing:
        """The ring that would be sealed with now."""
        return self._source.ring()

    def seal(self, secret: SecretStr, place: SealedPlace) -> SealedText:
        """Encrypt for `place`; the same secret never seals to the same text twice."""
        ring = self._source.ring()
        nonce = os.urandom(_NONCE_BYTES)
        cipher = AESGCM(ring.keys[ring.primary])
        sealed = cipher.encrypt(nonce, secret.get_secret_value().encode(), place.associated_data)
        return SealedText(f"v1:{ring.primary}:{base64.b64encode(nonce + sealed).decode()}")

    def open(self, sealed: SealedText, place: SealedPlace) -> SecretStr:
        """Decrypt what was sealed for exactly this `place`.

        Raises:
            BrokenSealError: wrong place, unknown key, or not what was written.
        """
        opened = self._opened(sealed, place)
        if opened is None:
            raise BrokenSealError(
                f"A sealed value in {place.table} cannot be opened. "
                "Start with the key file it was sealed with."
            )
        return SecretStr(opened.decode())

    def _opened(self, sealed: SealedText, place: SealedPlace) -> bytes | None:
        key_id = key_id_of(sealed)
        key = None if key_id is None else self._source.ring_with(key_id).keys.get(key_id)
        if key is None:
            return None
        payload = sealed.rpartition(":")[2]
        try:
            raw = base64.b64decode(payload, validate=True)
            # Decoding ignores bits that base64 leaves over; encoding again shows a change of them.
            if base64.b64encode(raw).decode() != payload:
                return None
            return AESGCM(key).decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], place.associated_data)
        except (ValueError, InvalidTag):
            return None


def key_id_of(sealed: str) -> str | None:
    """Which key a value is sealed with; None where it is nothing that was sealed."""
    version, _, keyed = sealed.partition(":")
    # The operator names the keys, and may have used colons; base64 has none.
    key_id, separator, _ = keyed.rpartition(":")
    return key_id if version == "v1" and separator else None
