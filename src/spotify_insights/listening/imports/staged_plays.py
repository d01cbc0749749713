"""Plays as the rows that a binary COPY takes: numbers alone, made column by column.

Source of the format: https://www.postgresql.org/docs/current/sql-copy.html, "Binary Format".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from spotify_insights.spotify_export.entry import MusicEntry

# What staged_plays has, in this order, and PostgreSQL's binary type of each.
STAGED_COLUMNS: Final = {
    "place": ">i4",
    "track_id": ">i8",
    "ended_at": ">i8",
    "ms_played": ">i4",
    "details": ">i4",
}
DETAILS: Final = (
    "platform",
    "country",
    "reason_start",
    "reason_end",
    "shuffle",
    "skipped",
    "offline",
    "private_session",
    "is_video",
    "time_uncertain",
)
_HEADER: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TRAILER: Final = b"\xff\xff"
# A row is the number of its fields, and each field's length before it.
_ROW: Final = np.dtype(
    [("fields", ">i2")]
    + [part for name, kind in STAGED_COLUMNS.items() for part in ((f"{name}_length", ">i4"), (name, kind))]
)
_UNIX_SECONDS_OF_EPOCH: Final = int(datetime(2000, 1, 1, tzinfo=UTC).timestamp())
_DETAILS_OF: Final = attrgetter(*DETAILS)
# Ten years of listening have a few hundred different ones.
_MOST_REMEMBERED: Final = 10_000

Details = tuple[Any, ...]
"""The values of DETAILS of one play."""


@dataclass(frozen=True)
class StagedPlays:
    """The plays of one batch, each once, in the order of the file.

    Attributes:
        new_details: those that no batch before has told, by their number.
        span: when the first and the last play ended that is no video; None where all are videos. Videos stand
            in files of their own, which tell nothing about the music of their time.
    """

    new_details: dict[int, Details]
    span: tuple[datetime, datetime] | None
    _rows: NDArray[Any]
    _kept: NDArray[np.intp]

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def track_ids(self) -> set[int]:
        """All tracks that were played."""
        return set(np.unique(self._rows["track_id"]).tolist())

    def tell_tracks(self, track_ids: Sequence[int]) -> None:
        """Take other numbers for the tracks, in the order of the entries that these plays were made of."""
        self._rows["track_id"] = np.array(track_ids, np.int64)[self._kept]

    def content(self) -> bytes:
        """All rows, as COPY takes them."""
        return b"".join((_HEADER, self._rows.tobytes(), _TRAILER))


class PlayStager:
    """Makes the rows of one import, whose batches share what is said in words."""

    def __init__(self) -> None:
        self._numbers: dict[Details, int] = {}
        self._told = 0

    def stage(self, entries: Sequence[MusicEntry], track_ids: Sequence[int]) -> StagedPlays:
        """The plays of a batch; of several that are alike in track, moment and length, the first.

        Rows of different vintages may tell one play with different details: those of the first row stay, and
        nothing is put together from both. Batches are not compared here: see `Staging.merge_music`.

        Args:
            track_ids: the number of each entry's track, in their order.
        """
        new_details: dict[int, Details] = {}
        rows = np.empty(len(entries), _ROW)
        rows["fields"] = len(STAGED_COLUMNS)
        for name in STAGED_COLUMNS:
            rows[f"{name}_length"] = _ROW[name].itemsize
        seconds = np.array([entry.ended_at.timestamp() for entry in entries], np.int64)
        rows["place"] = np.arange(len(entries))
        rows["track_id"] = track_ids
        rows["ended_at"] = (seconds - _UNIX_SECONDS_OF_EPOCH) * 1_000_000
        rows["ms_played"] = [entry.ms_played for entry in entries]
        rows["details"] = [self._number_of(details, new_details) for details in map(_DETAILS_OF, entries)]
        kept = _first_of_each(seconds, rows["track_id"], rows["ms_played"])
        if len(self._numbers) > _MOST_REMEMBERED:
            self._numbers.clear()
        no_video = seconds[~np.array([entry.is_video for entry in entries], np.bool_)]
        span = (_moment(no_video.min()), _moment(no_video.max())) if len(no_video) else None
        return StagedPlays(new_details, span, rows if len(kept) == len(rows) else rows[kept], kept)

    def _number_of(self, details: Details, new_details: dict[int, Details]) -> int:
        number = self._numbers.get(details)
        if number is None:
            number = self._numbers[details] = self._told
            new_details[number] = details
            self._told += 1
        return number


def _moment(unix_seconds: np.int64) -> datetime:
    return datetime.fromtimestamp(int(unix_seconds), UTC)


def _first_of_each(*columns: NDArray[Any]) -> NDArray[np.intp]:
    """Where those rows stand, in their order, to which no row before is equal in all columns."""
    order = np.lexsort(columns)
    repeats = np.ones(max(len(order) - 1, 0), bool)
    for column in columns:
        in_order = column[order]
        repeats &= in_order[1:] == in_order[:-1]
    return np.sort(order[np.concatenate(([True], ~repeats))]) if len(order) else order
