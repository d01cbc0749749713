"""Several keys from one secret of the installation, each for one purpose (HKDF, RFC 5869)."""

from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_KEY_BYTES: Final = 32


def derived_key(secret: bytes, purpose: str) -> bytes:
    """32 bytes that are the same for the same secret and purpose, and tell nothing about any others."""
    return HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=None, info=purpose.encode()).derive(secret)
