"""Keyset pages: an opaque cursor names the last entry shown, so that new entries never shift a page."""

import base64
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Final
from uuid import UUID

from fastapi import Query
from starlette.datastructures import URL

from spotify_insights.errors import InvalidInputError

LONGEST_CURSOR: Final = 200
Limit = Annotated[int, Query(ge=1, le=100, description="How many entries at most.")]
Cursor = Annotated[
    str | None,
    Query(description="From the `Link` header of the page before; good for the list that gave it alone."),
]


@dataclass(frozen=True)
class Cursors:
    """The cursors of one list, which no other list takes.

    Args:
        listing: the list's name. It is part of every cursor, so changing it ends what clients hold.
    """

    listing: str

    def encode(self, position: str) -> str:
        """The database's JSON position as URL-safe text."""
        named = json.dumps([self.listing, *json.loads(position)], separators=(",", ":"))
        return base64.urlsafe_b64encode(named.encode()).decode().rstrip("=")

    def moment_and_id(self, cursor: str | None) -> tuple[datetime, UUID] | None:
        """A position in a list ordered by a moment and an id; None for the beginning.

        Raises:
            InvalidInputError: the cursor is not one of this list.
        """
        if cursor is None:
            return None
        match self._decode(cursor):
            case [str(moment), str(entry)]:
                return _moment(moment), _id(entry)
            case _:
                raise _foreign_cursor()

    def moment_and_number(self, cursor: str | None) -> tuple[datetime, int] | None:
        """A position in a list ordered by a moment and a number; None for the beginning.

        Raises:
            InvalidInputError: the cursor is not one of this list.
        """
        if cursor is None:
            return None
        match self._decode(cursor):
            # To Python, true and false are whole numbers.
            case [str(moment), int(number)] if not isinstance(number, bool) and 0 <= number < 2**63:
                return _moment(moment), number
            case _:
                raise _foreign_cursor()

    def entry_id(self, cursor: str | None) -> UUID | None:
        """A position in a list ordered by id; None for the beginning.

        Raises:
            InvalidInputError: the cursor is not one of this list.
        """
        if cursor is None:
            return None
        match self._decode(cursor):
            case [str(entry)]:
                return _id(entry)
            case _:
                raise _foreign_cursor()

    def next_link(self, url: URL, position: str) -> str:
        """The value of the `Link` header (RFC 8288) for the page after `position`."""
        target = url.include_query_params(cursor=self.encode(position))
        return f'<{target.path}?{target.query}>; rel="next"'

    def _decode(self, cursor: str) -> list[object]:
        if len(cursor) > LONGEST_CURSOR:
            raise _foreign_cursor()
        try:
            padded = cursor + "=" * (-len(cursor) % 4)
            decoded = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        except (ValueError, RecursionError):
            raise _foreign_cursor() from None
        match decoded:
            case [self.listing, *position]:
                return position
            case _:
                raise _foreign_cursor()


LINK_HEADER: Final = {
    "Link": {
        "description": 'The next page as `<…>; rel="next"`, where there is one.',
        "schema": {"type": "string"},
    }
}


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None:
            # PostgreSQL knows no offsets with fractions of a minute; UTC is always understood.
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise _foreign_cursor()


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise _foreign_cursor() from None


def _foreign_cursor() -> InvalidInputError:
    return InvalidInputError(
        "The cursor is not one that this list gave. Start again without it.", field="cursor"
    )
