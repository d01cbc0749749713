"""The rules that keep a cached answer from outliving a write, as pure functions over Redis values.

A write *holds* its scope before it commits and lets go afterwards, and gives the scope a new version both
times. A reader asks in one round trip whether the scope is held, which version it has, and what is stored. A
held scope is not cached at all, however many writers hold it; an entry of another version is a miss; and what
a reader stores carries the version it saw *before* it asked the database. So an answer read before a commit
can never be served after it. Should a writer fail to reach Redis, staleness ends with the entry's TTL.

Both new versions are needed. The first ends what readers from before the hold have yet to store, even if the
writer dies. The second ends what a reader stores who was overtaken by the hold between two commands of its
lookup, or who came after a hold that ran out.
"""

import secrets
from dataclasses import dataclass
from typing import Final

_SEPARATOR: Final = b"|"


def new_version() -> bytes:
    """A version nobody has used; a holder's mark, too."""
    return secrets.token_hex(8).encode()


@dataclass(frozen=True)
class Lookup:
    """What a read found: `value` on a hit; `version` is what to store under, None for not at all."""

    value: bytes | None
    version: bytes | None


NOT_CACHED: Final = Lookup(value=None, version=None)


def judge(*, held: bool, version: bytes | None, entry: bytes | None, fresh_version: bytes) -> Lookup:
    """Decide what a reader may use.

    Args:
        held: whether any writer held the scope.
        version: the scope's version after an attempt to set `fresh_version` where there was none.
        entry: the stored bytes of the entry.
        fresh_version: the version this reader offered for a scope without one.
    """
    if held:
        return NOT_CACHED
    current = version or fresh_version
    if entry is not None:
        stored, separator, value = entry.partition(_SEPARATOR)
        if separator and stored == current:
            return Lookup(value=value, version=current)
    return Lookup(value=None, version=current)


def stamped(version: bytes, value: bytes) -> bytes:
    """The bytes to store for `value` read under `version`."""
    return version + _SEPARATOR + value
