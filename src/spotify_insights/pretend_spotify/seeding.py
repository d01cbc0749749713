"""Repeatable randomness: the same words in, the same dice out, on every machine and Python version."""

import hashlib
from random import Random


def dice(*parts: object) -> Random:
    """A generator of its own for everything that `parts` name; equal parts give equal sequences."""
    return Random(":".join(map(str, parts)))  # noqa: S311  a listener must be repeatable, not secret


def fraction(*parts: object) -> float:
    """One number in [0, 1) that depends on `parts` alone."""
    digest = hashlib.sha256(":".join(map(str, parts)).encode()).digest()
    return int.from_bytes(digest[:6], "big") / 2**48
