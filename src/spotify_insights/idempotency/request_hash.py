"""Telling a repeated request from another one, without keeping what it carried.

Requests hold tokens and addresses of people. A plain hash in a stolen database would let anybody try out
which ones; this one needs the key file, too, which lives apart from the database.
"""

import hashlib
import hmac

from spotify_insights.installation.secrets import InstallationSecrets, SecretName


class RequestHasher:
    """HMAC-SHA256 with a secret of the installation: all its processes agree, whatever key is primary."""

    def __init__(self, secrets: InstallationSecrets) -> None:
        self._secrets = secrets

    @property
    def is_ready(self) -> bool:
        """Whether `hash_of` answers at once. Until then it asks the database."""
        return self._secrets.is_known(SecretName.REQUEST_HASH_KEY)

    def prepare(self) -> None:
        """Read the key, so that `hash_of` answers at once from now on.

        Raises: as `InstallationSecrets.get`.
        """
        self._secrets.get(SecretName.REQUEST_HASH_KEY)

    def hash_of(self, *parts: bytes) -> str:
        """One hash of the whole request, in hexadecimal digits.

        Raises: as `InstallationSecrets.get`.
        """
        digest = hashlib.sha256()
        for part in parts:
            # With its length, so that no part can lend its end to the next one.
            digest.update(len(part).to_bytes(8, "big"))
            digest.update(part)
        key = self._secrets.get(SecretName.REQUEST_HASH_KEY)
        return hmac.digest(key, digest.digest(), "sha256").hex()
