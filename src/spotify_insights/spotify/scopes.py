"""Which permission each call needs. The sign-in asks for exactly the union, and for nothing more."""

from collections.abc import Mapping
from typing import Final

# Spotify Web API reference, "Authorization scopes" of each endpoint. Profile and audio features
# need a token but no scope; the gated profile fields are not worth a further question.
SCOPES_BY_CALL: Final[Mapping[str, frozenset[str]]] = {
    "me": frozenset(),
    "top_tracks": frozenset({"user-top-read"}),
    "top_artists": frozenset({"user-top-read"}),
    "recently_played": frozenset({"user-read-recently-played"}),
    "audio_features": frozenset(),
}

REQUESTED_SCOPES: Final[frozenset[str]] = frozenset[str]().union(*SCOPES_BY_CALL.values())
