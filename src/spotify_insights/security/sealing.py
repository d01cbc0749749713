"""Secrets at rest: AES-256-GCM, each ciphertext bound to the row, column and person it belongs to.

The envelope is `v1:<key id>:<base64 of nonce and ciphertext>`. The associated data names table, column, row
and user, so a ciphertext copied into another row does not open (NIST SP 800-38D; `cryptography`'s AESGCM).
"""

import base64
import os
from dataclasses import dataclass
from typing import NewType
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import SecretStr

from spotify_insights.errors import SetupError
from spotify_insights.security.key_ring import KeyRing

SealedText = NewType("SealedText", str)
_NONCE_BYTES = 12


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
    """Seals and opens with the keys of one ring."""

    def __init__(self, ring: KeyRing) -> None:
        self._primary = ring.primary
        self._ciphers = {name: AESGCM(key) for name, key in ring.keys.items()}

    def seal(self, secret: SecretStr, place: SealedPlace) -> SealedText:
        """Encrypt for `place`; the same secret never seals to the same text twice."""
        nonce = os.urandom(_NONCE_BYTES)
        cipher = self._ciphers[self._primary]
        sealed = cipher.encrypt(nonce, secret.get_secret_value().encode(), place.associated_data)
        return SealedText(f"v1:{self._primary}:{base64.b64encode(nonce + sealed).decode()}")

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
        version, _, keyed = sealed.partition(":")
        # The operator names the keys, and may have used colons; base64 has none.
        key_id, _, payload = keyed.rpartition(":")
        cipher = self._ciphers.get(key_id)
        if version != "v1" or cipher is None:
            return None
        try:
            raw = base64.b64decode(payload, validate=True)
            # Decoding ignores bits that base64 leaves over; encoding again shows a change of them.
            if base64.b64encode(raw).decode() != payload:
                return None
            return cipher.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], place.associated_data)
        except (ValueError, InvalidTag):
            return None
