"""Names of local accounts, so that two that look alike to a keyboard are one."""

import re
import unicodedata
from typing import Final

from spotify_insights.errors import InvalidInputError

SHORTEST_USERNAME: Final = 3
LONGEST_USERNAME: Final = 64
_MARKS: Final = frozenset("._-@")
# In the place of what PostgreSQL cannot store or UTF-8 cannot say: it stands in nobody's name.
_NOT_TEXT: Final = "\N{REPLACEMENT CHARACTER}"
_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")


def normalised_username(given: str) -> str:
    """The one spelling of a name that somebody types, whatever its case and its way of writing.

    What cannot be stored becomes a name that nobody has, which is then looked up like any other.
    """
    # Folding can undo the normal form, so it comes in between (Unicode, section 3.13, "caseless matching").
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", given).casefold())
    return _UNSTORABLE.sub(_NOT_TEXT, folded).strip()


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
