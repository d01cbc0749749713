"""One key for one name, however it is written: exports know artists, and some tracks, by name alone."""

import hashlib
import unicodedata
from uuid import UUID


def artist_key(name: str) -> UUID:
    """The key of an artist's name. Case, width and runs of spaces make no difference; letters do."""
    return _key("artist", name)


def track_key(title: str, artist: str) -> UUID:
    """The key of a title by an artist; one song has one key, under whichever of its ids it was played."""
    return _key("track", title, artist)


def spoken_key(kind: str, title: str, show: str | None) -> UUID:
    """The key of an episode or chapter."""
    return _key(kind, title, show or "")


def _key(*texts: str) -> UUID:
    digest = hashlib.blake2b(digest_size=16)
    for each in texts:
        # Compatibility forms first: they fold to letters that casefold knows (Unicode, UAX #15 and 3.13).
        folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", each).casefold())
        digest.update(" ".join(folded.split()).encode("utf-8", "surrogatepass") + b"\x1f")
    return UUID(bytes=digest.digest())
