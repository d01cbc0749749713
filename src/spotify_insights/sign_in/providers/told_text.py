"""What a provider says of somebody, before it is stored: neither NUL nor half a character can be."""

import unicodedata
from typing import Final

from spotify_insights.sign_in.problem import SignInError

_NOT_TEXT: Final = frozenset({"Cc", "Cs"})


def cleaned(name: str) -> str:
    """A name without what cannot be stored or shown."""
    return "".join(character for character in name if not _is_no_text(character)).strip()


def check_identity(*identifiers: str | None) -> None:
    """Refuse an identifier that holds such characters: without them it could be somebody else's.

    Raises:
        SignInError: the provider does not say who it is.
    """
    if any(_is_no_text(character) for identifier in identifiers for character in identifier or ""):
        raise SignInError("provider_away")


def _is_no_text(character: str) -> bool:
    return unicodedata.category(character) in _NOT_TEXT
