"""Loading a catalogue: the file in portions, a bar for whoever watches, and a receipt."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from spotify_insights.audio_features.catalogue_file import read_catalogue
from spotify_insights.cli.catalogue.patient_database import patient_transaction
from spotify_insights.cli.terminal import say
from spotify_insights.cli.which_database import WhichDatabase
from spotify_insights.errors import InvalidInputError
from spotify_insights.listening.features.load_catalogue import LoadReceipt, load_catalogue

_LONGEST_NAME: Final = 100
_REASONS: Final = {
    "unreadable": "have another number of fields than the header",
    "bad_id": "have no Spotify id of a track",
    "not_a_number": "have a feature that is no number",
    "out_of_range": "have a feature that cannot be",
    "no_features": "know no feature",
}


def load_file(file: Path, data_dir: Path | None, *, name: str | None, demo: bool, as_json: bool) -> None:
    """Load the file and say what became of its rows.

    Raises:
        InvalidInputError: the name cannot be one.
        CatalogueFileError, NothingToLoadError: the file cannot be used.
        SetupError, UnavailableError: as `operator_database`.
    """
    called = _name(name if name is not None else _stem(file))
    with (
        _bar(file, hidden=as_json) as told,
        patient_transaction(WhichDatabase(data_dir=data_dir, demo=demo)) as tx,
    ):
        receipt = load_catalogue(tx, called, read_catalogue(file), told=told)
    say(json.dumps(asdict(receipt)) if as_json else _in_words(receipt))


def _stem(file: Path) -> str:
    """The file's name without what says its format."""
    stem = file.name
    for ending in (".gz", ".csv", ".tsv", ".txt", ".parquet"):
        if stem.lower().endswith(ending):
            stem = stem[: -len(ending)]
    return stem or file.name


def _name(text: str) -> str:
    name = text.strip()
    if not 0 < len(name) <= _LONGEST_NAME or not name.isprintable():
        raise InvalidInputError(
            f"A catalogue's name has 1 to {_LONGEST_NAME} visible characters; give one with --name.",
            field="name",
        )
    return name


@contextmanager
def _bar(file: Path, *, hidden: bool) -> Iterator[Callable[[float, int], None]]:
    """A bar on a terminal, nothing elsewhere. Standard output is for the receipt."""
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(
        *columns, console=console, disable=hidden or not sys.stderr.isatty(), transient=True
    ) as bar:
        task = bar.add_task(f"Reading {file.name}", total=1.0)

        def told(done: float, rows: int) -> None:
            last = done >= 1.0
            bar.update(
                task,
                completed=done,
                description=f"Storing {rows:,} rows" if last else f"Reading {file.name}, {rows:,} rows",
            )

        yield told


def _in_words(receipt: LoadReceipt) -> str:
    first = f"Catalogue {receipt.name}: {receipt.read:,} rows read, {receipt.new:,} tracks new, "
    lines = [first + f"{receipt.changed:,} changed, {receipt.unchanged:,} unchanged."]
    if receipt.repeated:
        lines.append(f"{receipt.repeated:,} rows repeat a track; the last row of each counts.")
    lines += [f"{number:,} rows {_REASONS[reason]}; left out." for reason, number in receipt.refused.items()]
    return "\n".join(lines)
