"""How much memory reading takes, measured in a process of its own, whose peak is nobody else's."""

import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest

from export_files import NOW
from spotify_insights.pretend_spotify.privacy_export import write_extended_export

pytestmark = pytest.mark.slow

READING = """
import resource, sys
from datetime import datetime
from spotify_insights.errors import InvalidInputError
from spotify_insights.spotify_export.archive import open_export

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

before = peak()
rows = 0
with open(sys.argv[1], "rb") as file:
    try:
        for batch in open_export(file, "x.zip").batches(now=datetime.fromisoformat(sys.argv[2])):
            rows += batch.rows
    except InvalidInputError:
        rows = -1
print(rows, (peak() - before) // 1024)
"""


def read_apart(path: Path, now: datetime = NOW) -> tuple[int, int]:
    """The rows read, -1 for a refusal, and the megabytes that the process took for it."""
    command = [sys.executable, "-c", READING, str(path), now.isoformat()]
    rows, megabytes = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()  # noqa: S603  our own program
    return int(rows), int(megabytes)


def test_two_hundred_thousand_rows_take_less_than_sixty_megabytes(tmp_path: Path) -> None:
    path = tmp_path / "my_spotify_data.zip"
    write_extended_export(path, rows=200_000, seed=1, until=NOW)
    rows, megabytes = read_apart(path)
    assert rows == 200_000
    assert megabytes < 60


@pytest.mark.parametrize(
    "beginning",
    [
        b"",
        b"[",
        b'[{"ts":"',
        b'[{"ts":"2025-05-05T20:15:30Z","ms_played":1},',
        b'[{"ts":"2025-05-05T20:15:30Z","ms_played":1}]',
    ],
)
def test_two_gigabytes_of_nothing_are_refused_in_little_memory(tmp_path: Path, beginning: bytes) -> None:
    path = tmp_path / "nothing.json"
    with path.open("wb") as file:
        file.write(beginning)
        # A hole, which takes no space on the disk and reads as zeros.
        file.truncate(2 << 30)
    rows, megabytes = read_apart(path)
    assert rows == -1
    assert megabytes < 60
