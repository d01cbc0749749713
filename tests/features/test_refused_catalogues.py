"""Files that are no catalogue, and names that are none: a sentence for each, and nothing is stored."""

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from catalogue_trials import HEADER, SMALL, A, B, as_parquet, loaded
from ingestions import count
from operator_trials import Operator
from spotify_insights.runtime import Runtime


def truncated_parquet(folder: Path) -> bytes:
    return as_parquet(SMALL, folder / "whole")[:-40]


WRONG: dict[str, tuple[Callable[[Path], bytes], str]] = {
    "empty": (lambda _: b"", "is empty"),
    "no rows": (lambda _: f"{HEADER}\n".encode(), "None of the 0 rows"),
    "only a word": (lambda _: b"hello", "is neither a CSV file"),
    "json": (lambda _: b'[{"id": "x"},\n{"id": "y"}]', "has no column with the Spotify ids"),
    "picture": (lambda _: b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 9, "is neither a CSV file"),
    "utf-16": (lambda _: SMALL.encode("utf-16"), "is neither a CSV file"),
    "zip": (lambda _: b"PK\x03\x04" + b"\0" * 99, "is a zip archive"),
    "no id": (lambda _: b"title,energy\nSong,0.5\n", "has no column with the Spotify ids"),
    "no feature": (lambda _: f"id,title\n{A},Song\n".encode(), "has no column with an audio feature"),
    "two alike": (lambda _: f"id,energy,Energy\n{A},0.5,0.6\n".encode(), "has 2 columns named energy"),
    "nothing right": (lambda _: f"id,energy\n{A},50\n{B},60\n".encode(), "out of range: 2"),
    "nul bytes": (lambda _: b"id,energy\n" + b"\0" * 5000, "None of the"),
    "endless line": (lambda _: b"id,energy\n" + b"x" * 3_000_000, "is damaged or cut off"),
    "open quote": (lambda _: f'{SMALL}"{"y" * 3_000_000}'.encode(), "is damaged or cut off"),
    "cut gzip": (lambda _: gzip.compress((SMALL * 500).encode())[:-300], "is damaged or cut off"),
    "wrong gzip": (lambda _: b"\x1f\x8b" + b"\x07" * 400, "cannot be unpacked"),
    "cut parquet": (truncated_parquet, "is damaged or cut off"),
    "false parquet": (lambda _: b"PAR1" + b"\xff" * 200 + b"PAR1", "is damaged or cut off"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_a_wrong_file_is_refused_with_a_sentence_and_leaves_nothing(
    runtime: Runtime, operator: Operator, kind: str
) -> None:
    make, sentence = WRONG[kind]

    answer = loaded(operator, make(operator.folder), name="wrong.file")

    assert (answer.code, answer.out) == (1, "")
    assert sentence in answer.err
    assert answer.err.count("\n") == 1
    for name in ("catalogue_features", "feature_catalogues"):
        assert count(runtime.database, name) == 0


def test_what_is_no_file_is_refused_with_a_sentence(operator: Operator) -> None:
    (operator.folder / "folder.csv").mkdir()
    for path in ("folder.csv", "nowhere.csv"):
        answer = operator.type("catalogue", "load", path)
        assert answer.code == 1
        assert "cannot be read" in answer.err


@pytest.mark.parametrize("name", ["", " ", "x" * 101, "line\nbreak"])
def test_a_name_that_cannot_be_one_is_refused(operator: Operator, name: str) -> None:
    answer = loaded(operator, SMALL, "--name", name)

    assert answer.code == 1
    assert "1 to 100 visible characters" in answer.err
