"""Text as it may come in."""

import unicodedata
from typing import Annotated, Final

from pydantic import AfterValidator, Field, SecretStr

# What JSON Schema can say of the rule below; lone surrogates have no place in a pattern.
NO_CONTROL_CHARACTERS: Final = r"^[^\x00-\x1f\x7f-\x9f]*$"
_EMAIL: Final = r"^[^@\s\x00-\x1f\x7f-\x9f]+@[^@\s\x00-\x1f\x7f-\x9f]+$"


def is_storable(value: str) -> bool:
    """PostgreSQL stores no NUL, UTF-8 knows no surrogates, and no other control character helps anybody."""
    return not any(unicodedata.category(character) in {"Cc", "Cs"} for character in value)


def _storable(value: str) -> str:
    if not is_storable(value):
        raise ValueError("must not contain control characters")
    return value


PlainText = Annotated[
    str, AfterValidator(_storable), Field(json_schema_extra={"pattern": NO_CONTROL_CHARACTERS})
]
# Without the control characters that the validator refuses, too, so that the documentation tells the rule.
Email = Annotated[str, Field(min_length=3, max_length=320, pattern=_EMAIL), AfterValidator(_storable)]


def _plain(value: SecretStr) -> SecretStr:
    _storable(value.get_secret_value())
    return value


PlainSecret = Annotated[
    SecretStr, AfterValidator(_plain), Field(json_schema_extra={"pattern": NO_CONTROL_CHARACTERS})
]
