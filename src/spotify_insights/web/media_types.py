"""Which of several forms of one answer a client would rather have (RFC 9110, section 12.5.1)."""

import re
from collections.abc import Iterable, Sequence
from typing import Final

# Between the separators of a list, which mean nothing inside of quotation marks.
_ITEM: Final = re.compile(r'(?:[^,"]|"(?:\\.|[^"\\])*"?)+')
_PARAMETER: Final = re.compile(r'(?:[^;"]|"(?:\\.|[^"\\])*"?)+')
_QUALITY: Final = re.compile(r"0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?")


def wanted_media_type(accept: Iterable[str], offered: Sequence[str]) -> str | None:
    """The one of `offered` that the client wants most; None where it takes none of them.

    For each, the range that names it most exactly says how much it is wanted. Of several that are wanted
    equally, the one that is named more exactly comes first, then the one named earlier, then the one offered
    earlier. A range whose quality cannot be read does not count. Who says nothing takes anything.

    Args:
        accept: the values of all Accept headers.
        offered: media types in lower case, without parameters, the one that we would rather give first.
    """
    ranges = [each for value in accept for item in _ITEM.findall(value) if (each := _range(item)) is not None]
    if not ranges:
        return offered[0]
    best: tuple[float, int, int] | None = None
    chosen = None
    for media_type in offered:
        matching = [
            (_exactness(wanted, media_type), -place, quality)
            for place, (wanted, quality) in enumerate(ranges)
            if _exactness(wanted, media_type)
        ]
        if matching:
            exactness, place, quality = max(matching)
            if quality > 0 and (best is None or (quality, exactness, place) > best):
                best, chosen = (quality, exactness, place), media_type
    return chosen


def _range(item: str) -> tuple[str, float] | None:
    """A media range in lower case and how much it is wanted, in [0, 1]."""
    name, *parameters = [part.strip().lower() for part in _PARAMETER.findall(item)] or [""]
    if "/" not in name:
        return None
    for parameter in parameters:
        key, _, value = parameter.partition("=")
        if key.rstrip() == "q":
            quality = value.strip()
            return (name, float(quality)) if _QUALITY.fullmatch(quality) else None
    return name, 1.0


def _exactness(wanted: str, media_type: str) -> int:
    """How exactly the range names this type; 0 where it is another."""
    if wanted == media_type:
        return 3
    if wanted == f"{media_type.partition('/')[0]}/*":
        return 2
    return int(wanted == "*/*")
