"""Telling a repeated request from another one, without keeping what it carried.

Requests hold tokens and addresses of people. A plain hash in a stolen database would let anybody try out
which ones; this one needs the key file, too, which lives apart from the database.
"""

import hashlib
import hmac
from typing import Final

from spotify_insights.security.key_ring import KeyRing

# A key of its own for each purpose: what seals tokens must not hash requests as well.
_PURPOSE: Final = b"spotify-insights request hash v1"


class RequestHasher:
    """HMAC-SHA256 with keys derived from those of a ring. Two processes with one ring agree."""

    def __init__(self, ring: KeyRing) -> None:
        names = [ring.primary, *(name for name in ring.keys if name != ring.primary)]
        self._keys = [hmac.digest(ring.keys[name], _PURPOSE, "sha256") for name in names]

    def hashes(self, *parts: bytes) -> tuple[str, ...]:
        """One hash of the whole request under each key, the primary key's first.

        The first is what to store; a stored one may be any of them, because the primary key changes.
        """
        digest = hashlib.sha256()
        for part in parts:
            # With its length, so that no part can lend its end to the next one.
            digest.update(len(part).to_bytes(8, "big"))
            digest.update(part)
        content = digest.digest()
        return tuple(hmac.digest(key, content, "sha256").hex() for key in self._keys)
