"""Choosing among phrasings: varied from seed to seed, the same for the same seed for ever."""

import hashlib
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


def choose(options: Sequence[T], *, seed: str, occasion: str) -> T:
    """Pick one option by a hash of seed and occasion.

    Unlike a generator of random numbers, a choice depends on no other choice: adding a passage to
    one section changes nothing elsewhere. Raises IndexError without options.
    """
    digest = hashlib.sha256(f"{seed}\0{occasion}".encode()).digest()
    return options[int.from_bytes(digest[:8]) % len(options)]
