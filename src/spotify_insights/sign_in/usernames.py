"""Names of local accounts, so that two that look alike to a keyboard are one."""

import unicodedata
from typing import Final

from spotify_insights.errors import InvalidInputError

SHORTEST_USERNAME: Final = 3
LONGEST_USERNAME: Final = 64
_MARKS: Final = frozenset("._-@")


def normalised_username(given: str) -> str:
    """The one spelling of a name that somebody types, whatever its case and its way of writing."""
    # Folding can undo the normal form, so it comes in between (Unicode, section 3.13, "caseless matching").
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", given).casefold())
    return folded.strip()


def new_username(given: str) -> str:
    """The name as it is stored, where it may be one. An e-mail address is a fine name.

    Raises:
        InvalidInputError: it is too short or too long, or holds other characters.
    """
    username = normalised_username(given)
    if not SHORTEST_USERNAME <= len(username) <= LONGEST_USERNAME or not all(
        map(_may_be_in_a_name, username)
    ):
        raise InvalidInputError(
            f"Use {SHORTEST_USERNAME} to {LONGEST_USERNAME} letters, digits or the signs . _ - @",
            field="username",
        )
    return username


def _may_be_in_a_name(character: str) -> bool:
    return character.isalpha() or character.isdecimal() or character in _MARKS
