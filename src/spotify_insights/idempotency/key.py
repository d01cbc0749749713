"""Reading the header `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header-07)."""

import re
from collections.abc import Sequence
from typing import Final

from spotify_insights.idempotency.errors import HEADER, InvalidKeyError

LONGEST_KEY: Final = 255
# A String of RFC 9651, section 3.3.3: printable ASCII between quotes, where a backslash protects a quote or
# another backslash. It is all that the draft allows.
_QUOTED: Final = re.compile(r'"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"')
# As most clients send it. Without the characters that would make it one of several values, a value with
# parameters, or the broken half of a quoted one.
_BARE: Final = re.compile(r"[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]+")
_PROTECTED: Final = re.compile(r'\\(["\\])')


def read_key(values: Sequence[str]) -> str:
    """The key; `"abc"` and `abc` are the same one.

    Args:
        values: every value of the header in one request.

    Raises:
        InvalidKeyError: there are several values, or what there is cannot be a key. The sentence does not
            repeat it.
    """
    if len(values) != 1:
        raise InvalidKeyError(f"Send one {HEADER} with a request, not several.")
    value = values[0].strip(" \t")
    quoted = _QUOTED.fullmatch(value)
    if quoted is not None:
        key = _PROTECTED.sub(r"\1", quoted[1])
    elif _BARE.fullmatch(value):
        key = value
    else:
        raise InvalidKeyError(
            f"The {HEADER} cannot be read. Send one value such as "
            '"8e03978e-40d5-43dd-bc93-6894a57f9324", in quotes or without, in plain ASCII.'
        )
    if not key.strip():
        raise InvalidKeyError(
            f"The {HEADER} is empty. Send a value that no other request has, or leave it out."
        )
    if len(key) > LONGEST_KEY:
        raise InvalidKeyError(f"The {HEADER} may have {LONGEST_KEY} characters at most.")
    return key
