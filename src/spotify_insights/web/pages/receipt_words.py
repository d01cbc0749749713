"""The receipt of an import in words."""

from collections.abc import Mapping
from typing import Final

# One, and several.
_KEPT: Final = {
    "plays": ("play", "plays"),
    "skips": ("skip", "skips"),
    "podcasts": ("podcast episode", "podcast episodes"),
    "audiobooks": ("audiobook chapter", "audiobook chapters"),
}
_NOT_KEPT: Final = {
    "duplicates": ("known already", "known already"),
    "superseded": (
        "kept aside, because the extended history tells it, too",
        "kept aside, because the extended history tells them, too",
    ),
    "unnamed": ("without a name", "without a name"),
    "bad": ("unreadable", "unreadable"),
}


def receipt_in_words(receipt: Mapping[str, int]) -> str:
    """What came of the rows, such as "1,204 plays, 96 skips, from 1,312 rows. Besides: 12 known already.".

    Keys other than a receipt's do not matter.
    """
    kept = _listed(receipt, _KEPT) or "Nothing new"
    rest = _listed(receipt, _NOT_KEPT)
    rows = _counted(receipt.get("rows", 0), ("row", "rows"))
    said = f"{kept}, from {rows}."
    if rest:
        said += f" Besides: {rest}."
    private = receipt.get("incognito", 0)
    if private:
        said += f" {private:,} of the rows came from private sessions."
    return said


def _listed(receipt: Mapping[str, int], names: Mapping[str, tuple[str, str]]) -> str:
    return ", ".join(_counted(receipt[key], words) for key, words in names.items() if receipt.get(key, 0) > 0)


def _counted(number: int, words: tuple[str, str]) -> str:
    return f"{number:,} {words[number != 1]}"
