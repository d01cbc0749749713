"""HTTP clients for a server on this machine."""

import ssl
from collections.abc import Mapping
from typing import Final

import httpx2

# Loopback speaks plain HTTP. A context that trusts nobody spares reading the system's certificates,
# which takes longer than all of a client's requests.
_TRUSTS_NOBODY: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def loopback_client(base_url: str, headers: Mapping[str, str] | None = None) -> httpx2.Client:
    """A client that ignores proxies and follows no redirect; close it after use."""
    return httpx2.Client(base_url=base_url, headers=headers, trust_env=False, verify=_TRUSTS_NOBODY)
