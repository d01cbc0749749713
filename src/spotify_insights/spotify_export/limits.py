"""What a row may say at all, and how its texts become ours. The same for every kind of export."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

import msgspec

from spotify_insights.spotify_export.entry import MusicEntry, SpokenEntry

EARLIEST: Final = datetime(2006, 1, 1, tzinfo=UTC)
"""Spotify was founded in April 2006."""
LONGEST_MS: Final = 7 * 24 * 3600 * 1000
LONGEST_TEXT: Final = 1000
# Clocks differ.
_AHEAD: Final = timedelta(days=1)
_MOST_WORDS: Final = 10_000

# Beyond these limits a row is looked at alone: its texts are cut, and it is bad if its length cannot be.
Text = Annotated[str, msgspec.Meta(max_length=LONGEST_TEXT)]
Milliseconds = Annotated[int, msgspec.Meta(ge=0, le=LONGEST_MS)]


def latest_end(now: datetime) -> datetime:
    """The last moment at which a play of an export can have ended, read at `now`."""
    return now.astimezone(UTC) + _AHEAD


@dataclass(slots=True)
class Gathered:
    """What came out of some rows; each row is in one of the four."""

    music: list[MusicEntry] = field(default_factory=list)
    spoken: list[SpokenEntry] = field(default_factory=list)
    unnamed: int = 0
    bad: int = 0

    @property
    def rows(self) -> int:
        return len(self.music) + len(self.spoken) + self.unnamed + self.bad

    def take(self, other: "Gathered") -> None:
        """Adds what `other` holds, behind what is here."""
        self.music += other.music
        self.spoken += other.spoken
        self.unnamed += other.unnamed
        self.bad += other.bad


class Words(dict[str | None, str | None]):
    """`words[word]` is one object for all rows that repeat it; None for none, "" and words that say nothing.

    A dictionary, because a method's call for each field of each row would take as long as all the rest.
    """

    def __init__(self, *saying_nothing: str) -> None:
        super().__init__()
        self._saying_nothing = dict.fromkeys((None, "", *saying_nothing))
        self.update(self._saying_nothing)

    def __missing__(self, word: str | None) -> str | None:
        if len(self) > _MOST_WORDS:
            self.clear()
            self.update(self._saying_nothing)
        return self.setdefault(word, word)


def holds_nul(values: Iterable[object]) -> bool:
    """Whether a text among `values` holds the character NUL, which PostgreSQL cannot store."""
    return any(isinstance(value, str) and "\0" in value for value in values)


def text_of(value: object) -> str | None:
    """At most the first 1,000 characters; None for what is no text."""
    return value[:LONGEST_TEXT] if isinstance(value, str) else None


def flag_of(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def whole_number_of(value: object) -> int | None:
    """Whole numbers, also where they are written with a decimal point."""
    if isinstance(value, bool):
        return None
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) else None


def length_of(value: object) -> int | None:
    """Milliseconds that a play can have lasted; None for what none can."""
    length = whole_number_of(value)
    return length if length is not None and 0 <= length <= LONGEST_MS else None
