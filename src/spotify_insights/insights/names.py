"""Foreign names made fit for our sentences: track, artist and genre names as plain text."""

import re
import unicodedata
from typing import Final

MAX_NAME_LENGTH: Final = 80

NAMELESS: Final = "(no readable name)"

# Stacked accents beyond this overflow the line above; no living orthography needs more.
_MAX_COMBINING_MARKS: Final = 3

# Control, format (bidirectional overrides, zero-width, tags), surrogate, private and unassigned.
_UNPRINTABLE: Final = {"Cc", "Cf", "Cs", "Co", "Cn"}

# Our sentences put names between double quotation marks, so a name may not bring its own.
_DOUBLE_QUOTES: Final = str.maketrans(dict.fromkeys('"“”„‟«»〝〞〟', "'"))

_EXCESS_MARKS: Final = re.compile(rf"([\u0300-\u036f]{{{_MAX_COMBINING_MARKS}}})[\u0300-\u036f]+")


def safe_name(name: str) -> str:
    """Return the name as one line of plain, normalised text of 1 to `MAX_NAME_LENGTH` characters.

    Applies Unicode NFKC (UAX #15), drops invisible and direction-changing characters (the trick of
    CVE-2021-42574), turns double quotation marks into single ones and every run of white space into
    one space. A longer name ends in three dots; a name of which nothing is left becomes `NAMELESS`.
    The result is not HTML-safe: whoever shows it escapes it. Repeating it changes nothing.
    """
    normal = unicodedata.normalize("NFKC", _printable(name)).translate(_DOUBLE_QUOTES)
    line = " ".join(_EXCESS_MARKS.sub(r"\1", normal).split())
    if not any(unicodedata.category(character)[0] in "LNPS" for character in line):
        return NAMELESS
    if len(line) > MAX_NAME_LENGTH:
        return line[: MAX_NAME_LENGTH - 3].rstrip() + "..."
    return line


def _printable(name: str) -> str:
    kept = (" " if character.isspace() else character for character in name)
    return "".join(character for character in kept if unicodedata.category(character) not in _UNPRINTABLE)
