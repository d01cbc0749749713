"""Text as it may come in."""

import unicodedata
from typing import Annotated

from pydantic import AfterValidator


def _storable(value: str) -> str:
    """PostgreSQL stores no NUL, UTF-8 knows no surrogates, and no other control character helps anybody."""
    if any(unicodedata.category(character) in {"Cc", "Cs"} for character in value):
        raise ValueError("must not contain control characters")
    return value


PlainText = Annotated[str, AfterValidator(_storable)]
