"""Privacy exports as Spotify sends them: invented years in the files, folders and keys of the real ones."""

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from heapq import heappop, heappush
from pathlib import Path
from typing import Final

from spotify_insights.pretend_spotify.export_moments import DayClock, rows_of_days
from spotify_insights.pretend_spotify.export_rows import COUNTED_MS, Kind, Row, RowWriter
from spotify_insights.pretend_spotify.seeding import dice

ROWS_PER_FILE: Final = 16_000
_DUPLICATES: Final = 0.002
# A row is repeated right away, or some thousand rows later and so perhaps in the next file.
_LATEST_REPEAT: Final = 4000
# Thirteen hours a day.
_MOST_ROWS_A_YEAR: Final = 100_000
_DAY: Final = 24 * 3600
_FOLDER: Final = "Spotify Extended Streaming History"
_ZIP_DATE: Final = (2026, 11, 22, 12, 0, 0)
_COMPRESSION_LEVEL: Final = 3
_READ_ME: Final = b"""%PDF-1.4
1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj
2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj
3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>endobj
trailer<</Root 1 0 R>>
%%EOF
"""


@dataclass(slots=True)
class ExportTruth:
    """What a correct import of the file counts, alone in an empty history.

    `rows` is the sum of all others but `incognito`. `plays` and `skips` are music from 30 s on and below.
    `duplicates` repeat an earlier row exactly, whatever its kind. Rows of `incognito` are plays or skips.
    """

    rows: int = 0
    plays: int = 0
    skips: int = 0
    duplicates: int = 0
    podcasts: int = 0
    audiobooks: int = 0
    incognito: int = 0
    unnamed: int = 0
    # Spotify writes none.
    bad: int = 0

    def count(self, row: Row) -> None:
        """Counts a row that is there for the first time."""
        self.rows += 1
        self.incognito += row.incognito
        match row.kind:
            case Kind.MUSIC if row.ms_played >= COUNTED_MS:
                self.plays += 1
            case Kind.MUSIC:
                self.skips += 1
            case Kind.PODCAST:
                self.podcasts += 1
            case Kind.AUDIOBOOK:
                self.audiobooks += 1
            case Kind.UNNAMED:
                self.unnamed += 1


def write_extended_export(
    path: Path, *, rows: int, seed: int, until: datetime, years: int = 10
) -> ExportTruth:
    """Writes a zip of `rows` rows, all before `until`, and says what is in it.

    The same arguments give the same bytes. About 8 % are skips, 2 % podcasts, 0.5 % audiobooks, 0.2 % exact
    repetitions; 200,000 rows have about 33,000 different tracks. Memory is that of one file of 16,000 rows.
    Raises ValueError for more rows than anybody can hear in that time.
    """
    if rows > years * _MOST_ROWS_A_YEAR:
        raise ValueError(f"Nobody can hear {rows} rows in {years} years; give it more years.")
    truth = ExportTruth()
    audio, video = _File("Audio"), _File("Video")
    with zipfile.ZipFile(path, "w") as archive:
        _add(archive, "ReadMeFirst_ExtendedStreamingHistory.pdf", _READ_ME)
        for row in _rows_and_repeats(truth, rows=rows, seed=seed, until=until, years=years):
            file = video if row.is_video else audio
            file.add(row)
            if file.rows == ROWS_PER_FILE:
                file.write_to(archive)
        for file in (audio, video):
            if file.rows:
                file.write_to(archive)
    return truth


def _rows_and_repeats(
    truth: ExportTruth, *, rows: int, seed: int, until: datetime, years: int
) -> Iterator[Row]:
    roll = dice("privacy export", seed, rows)
    duplicates = int(rows * _DUPLICATES)
    repeated = set(roll.sample(range(rows - duplicates), duplicates))
    due: list[tuple[int, Row]] = []
    for number, row in enumerate(_rows(rows - duplicates, repeated, seed=seed, until=until, years=years)):
        truth.count(row)
        yield row
        if number in repeated:
            delay = roll.randrange(_LATEST_REPEAT) if roll.random() < 0.5 else 0
            heappush(due, (number + delay, row))
        while due and (due[0][0] <= number or number == rows - duplicates - 1):
            truth.rows += 1
            truth.duplicates += 1
            yield heappop(due)[1]


def _rows(count: int, repeated: set[int], *, seed: int, until: datetime, years: int) -> Iterator[Row]:
    roll = dice("privacy export rows", seed, count)
    writer = RowWriter(seed=seed, rows=count, roll=roll)
    end = int(until.timestamp())
    days = round(365.25 * years)
    # A day is left free at the end, since a busy day goes on into the next one.
    midnight = ended = (end // _DAY - 1 - days) * _DAY
    number = 0
    for of_the_day in rows_of_days(count, days=days, roll=roll):
        clock = DayClock(midnight, of_the_day, ended, roll) if of_the_day else None
        for _ in range(of_the_day):
            draft = writer.draft(ended, is_repeated=number in repeated)
            ended = clock.end_of(draft.ms_played) if clock else ended
            yield writer.write(draft, ended, is_repeated=number in repeated)
            number += 1
        midnight += _DAY
    if ended >= end:
        raise ValueError(f"Nobody can hear {count} rows in {years} years; give it more years.")


class _File:
    """The rows of the next file of one kind."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._number = 0
        self._texts: list[bytes] = []
        self._years: list[int] = []

    @property
    def rows(self) -> int:
        return len(self._texts)

    def add(self, row: Row) -> None:
        self._texts.append(row.text)
        if len(self._years) < 2:
            self._years.append(row.ended)
        self._years[-1] = row.ended

    def write_to(self, archive: zipfile.ZipFile) -> None:
        """Writes them under the name that Spotify would give, and begins the next file."""
        first, last = (datetime.fromtimestamp(self._years[place], UTC).year for place in (0, -1))
        years = f"{first}" if first == last else f"{first}-{last}"
        name = f"Streaming_History_{self._kind}_{years}_{self._number}.json"
        _add(archive, name, b"[\n" + b",\n".join(self._texts) + b"\n]")
        self._number += 1
        self._texts.clear()
        self._years.clear()


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    entry = zipfile.ZipInfo(f"{_FOLDER}/{name}", _ZIP_DATE)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    archive.writestr(entry, content, compresslevel=_COMPRESSION_LEVEL)
