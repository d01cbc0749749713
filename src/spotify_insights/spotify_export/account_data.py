"""The streaming history of the account data: the past year, by names and to the minute.

Files `StreamingHistory_music_*`, `_podcast_*` and `_audiobook_*`; older ones are `StreamingHistory0.json`
and so on.
"""

from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from spotify_insights.spotify_export.entry import MusicEntry, SpokenEntry
from spotify_insights.spotify_export.json_rows import Piece, RowFormat, decoded_or_none
from spotify_insights.spotify_export.limits import (
    EARLIEST,
    Gathered,
    Milliseconds,
    Text,
    Words,
    holds_nul,
    latest_end,
    length_of,
    text_of,
)

_LENGTH_OF_A_MINUTE: Final = len("2026-11-22 18:30")
# What Spotify calls music that it has no name for any more.
_NO_NAMES: Final = ("Unknown Artist", "Unknown Track")


class AccountRow(msgspec.Struct, gc=False, rename="camel"):
    """A row of any of the three kinds; the keys of the others are None."""

    # The END of the play in UTC, as `YYYY-MM-DD HH:MM`.
    end_time: Text
    ms_played: Milliseconds
    artist_name: Text | None = None
    track_name: Text | None = None
    podcast_name: Text | None = None
    episode_name: Text | None = None
    audiobook_name: Text | None = None
    chapter_name: Text | None = None


class _AnyRow(msgspec.Struct, rename="camel"):
    """The same fields with values of any type."""

    end_time: Any = None
    ms_played: Any = None
    artist_name: Any = None
    track_name: Any = None
    podcast_name: Any = None
    episode_name: Any = None
    audiobook_name: Any = None
    chapter_name: Any = None


_NAMES: Final = tuple(name for name in _AnyRow.__struct_fields__ if name not in {"end_time", "ms_played"})
_AS_ANY_ROW: Final = msgspec.json.Decoder(_AnyRow)


def _alone(raw: msgspec.Raw) -> AccountRow | None:
    """A row whose fields are not all as expected: names that are no text are None."""
    row = decoded_or_none(_AS_ANY_ROW, raw)
    if row is None:
        return None
    end_time, length = text_of(row.end_time), length_of(row.ms_played)
    if end_time is None or length is None:
        return None
    return AccountRow(end_time, length, **{name: text_of(getattr(row, name)) for name in _NAMES})


ACCOUNT_ROWS: Final = RowFormat(msgspec.json.Decoder(list[AccountRow]), _alone)


class AccountHistory:
    """Makes entries of the rows of one file; `now` is the present moment, and later rows are bad."""

    def __init__(self, *, now: datetime) -> None:
        self._latest = latest_end(now)
        self._words = Words()

    def add(self, piece: Piece[AccountRow], into: Gathered) -> None:
        """Each row of the piece becomes a part of `into`."""
        into.bad += piece.bad
        for row in piece.rows:
            ended = minute_of(row.end_time)
            if (
                ended is None
                or not EARLIEST <= ended <= self._latest
                or (piece.may_hold_nul and holds_nul(msgspec.structs.astuple(row)))
            ):
                into.bad += 1
            elif not row.track_name:
                self._add_other(row, ended, into)
            elif (row.artist_name, row.track_name) == _NO_NAMES:
                into.unnamed += 1
            else:
                into.music.append(MusicEntry(ended, row.ms_played, row.track_name, row.artist_name or ""))

    def _add_other(self, row: AccountRow, ended: datetime, into: Gathered) -> None:
        podcast = row.episode_name or row.podcast_name
        book = row.chapter_name or row.audiobook_name
        title = podcast or book
        if not title:
            into.unnamed += 1
            return
        into.spoken.append(
            SpokenEntry(
                kind="podcast" if podcast else "audiobook",
                ended_at=ended,
                ms_played=row.ms_played,
                title=title,
                show_name=self._words[row.podcast_name if podcast else row.audiobook_name],
            )
        )


def minute_of(text: str) -> datetime | None:
    """The moment of `YYYY-MM-DD HH:MM` in UTC; None for anything else."""
    if len(text) != _LENGTH_OF_A_MINUTE or text[10] != " ":
        return None
    with suppress(ValueError):
        return datetime.fromisoformat(text).replace(tzinfo=UTC)
    return None
