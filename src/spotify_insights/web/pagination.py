"""Keyset pages: an opaque cursor names the last entry shown, so that new entries never shift a page."""

import base64
import binascii
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import Query
from starlette.datastructures import URL

from spotify_insights.errors import InvalidInputError

Limit = Annotated[int, Query(ge=1, le=100, description="How many entries at most.")]
Cursor = Annotated[
    str | None,
    Query(max_length=200, description="From the `Link` header of the page before.", examples=[None]),
]
LINK_HEADER: Final = {
    "Link": {
        "description": 'The next page as `<…>; rel="next"`, where there is one.',
        "schema": {"type": "string"},
    }
}


def encode_cursor(position: str) -> str:
    """The database's JSON position as URL-safe text."""
    return base64.urlsafe_b64encode(position.encode()).decode().rstrip("=")


def moment_and_id(cursor: str | None) -> tuple[datetime, UUID] | None:
    """A position in a list ordered by a moment and an id.

    Raises:
        InvalidInputError: the cursor is not one of ours.
    """
    if cursor is None:
        return None
    match _decode(cursor):
        case [str(moment), str(entry)]:
            try:
                parsed = datetime.fromisoformat(moment)
                if parsed.tzinfo is not None:
                    return parsed, UUID(entry)
            except ValueError:
                pass
        case _:
            pass
    raise _foreign_cursor()


def entry_id(cursor: str | None) -> UUID | None:
    """A position in a list ordered by id.

    Raises:
        InvalidInputError: the cursor is not one of ours.
    """
    if cursor is None:
        return None
    match _decode(cursor):
        case [str(entry)]:
            try:
                return UUID(entry)
            except ValueError:
                pass
        case _:
            pass
    raise _foreign_cursor()


def next_link(url: URL, position: str) -> str:
    """The value of the `Link` header (RFC 8288) for the page after `position`."""
    target = url.include_query_params(cursor=encode_cursor(position))
    return f'<{target.path}?{target.query}>; rel="next"'


def _decode(cursor: str) -> Sequence[Any]:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        decoded = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, binascii.Error, RecursionError):
        raise _foreign_cursor() from None
    return decoded if isinstance(decoded, list) else []


def _foreign_cursor() -> InvalidInputError:
    return InvalidInputError(
        "The cursor is not one that this API gave. Start again without it.", field="cursor"
    )
