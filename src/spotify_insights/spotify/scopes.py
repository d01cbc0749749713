"""Which permission each call needs. The sign-in asks for exactly the union, and for nothing more.

Source: Web API reference, "Authorization scopes" of each endpoint. Profile and audio features need a token
but no scope; the gated profile fields are not worth a further question.
"""

from collections.abc import Collection
from enum import Enum
from typing import Final

TOP_READ: Final = "user-top-read"
RECENTLY_PLAYED_READ: Final = "user-read-recently-played"


class ApiCall(Enum):
    """The calls we make: the path that is asked, and the scopes without which Spotify refuses it."""

    ME = ("/v1/me",)
    TOP_TRACKS = ("/v1/me/top/tracks", TOP_READ)
    TOP_ARTISTS = ("/v1/me/top/artists", TOP_READ)
    RECENTLY_PLAYED = ("/v1/me/player/recently-played", RECENTLY_PLAYED_READ)
    AUDIO_FEATURES = ("/v1/audio-features",)

    def __init__(self, path: str, *scopes: str) -> None:
        self.path = path
        self.scopes = frozenset(scopes)


REQUESTED_SCOPES: Final[frozenset[str]] = frozenset[str]().union(*(call.scopes for call in ApiCall))


def missing_scopes(
    granted: Collection[str] | None, *, needed: Collection[str] = REQUESTED_SCOPES
) -> list[str]:
    """What of `needed` was not granted, in alphabetical order; nothing where nobody knows what was."""
    return [] if granted is None else sorted(set(needed) - set(granted))
