"""Importing from the command line: in this process, with a bar for whoever watches, and a receipt."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from uuid import UUID

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from spotify_insights.cli.imports.files import opened_path
from spotify_insights.cli.imports.histories import History, history_of, when_free
from spotify_insights.cli.terminal import complain, say
from spotify_insights.cli.which_database import WhichDatabase
from spotify_insights.clock import now
from spotify_insights.database.actor import Actor
from spotify_insights.listening.imports.import_history import HistoryImport
from spotify_insights.listening.imports.opened_exports import OpenedExports
from spotify_insights.listening.imports.receipt import Receipt
from spotify_insights.listening.imports.run import rehearse
from spotify_insights.listening.imports.tell_planner import tell_planner
from spotify_insights.memory import share_freed_memory

_WORDS: Final = {
    "rows": "Rows",
    "plays": "Plays of 30 seconds or more",
    "skips": "Shorter plays",
    "duplicates": "Known already",
    "superseded": "Kept aside: the extended history tells them, too",
    "podcasts": "Podcast episodes",
    "audiobooks": "Audiobook chapters",
    "unnamed": "Without a name, not kept",
    "bad": "Unreadable, not kept",
    "incognito": "Of all these, in private sessions",
}


def import_from(
    path: Path, data_dir: Path | None, *, user: UUID | None, demo: bool, dry_run: bool, as_json: bool
) -> None:
    """Import what is at the path and print the receipt.

    Raises:
        InvalidInputError: it is no export or damaged, or nobody says whose it is; nothing is stored.
        SetupError, UnavailableError, ConflictError: as `history_of`.
    """
    share_freed_memory()
    which = WhichDatabase(data_dir=data_dir, demo=demo)
    with opened_path(path, now=now()) as file, history_of(which, user) as history:
        import_id, receipt = when_free(lambda: _import(history, file, dry_run=dry_run))
    if as_json:
        told = None if import_id is None else str(import_id)
        say(json.dumps({"import_id": told, **receipt.document}))
        return
    Console(highlight=False).print(_table(receipt))
    complain(
        "Nothing was stored; this is what the import would bring."
        if import_id is None
        else f"Imported. `spotify-insights imports undo {import_id}` takes it back."
    )


def _import(history: History, file: OpenedExports, *, dry_run: bool) -> tuple[UUID | None, Receipt]:
    actor = Actor.listener(history.user_id)
    with _bar(file) as told:
        importing = HistoryImport(history.database, actor, history.user_id, file, lambda _batch: told())
        if dry_run:
            return None, rehearse(importing)
        with importing.leaving_nothing(), history.database.transaction(acting_for=actor) as tx:
            imported = importing.run(tx)
            history.changed_in(tx)
        tell_planner(history.database, imported.receipt)
        return imported.import_id, imported.receipt


@contextmanager
def _bar(file: OpenedExports) -> Iterator[Callable[[], None]]:
    """A bar on a terminal, nothing elsewhere. Standard output is for the receipt."""
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
    )
    hidden = not sys.stderr.isatty()
    with Progress(*columns, console=Console(stderr=True), disable=hidden, transient=True) as bar:
        task = bar.add_task(f"Importing {file.name}", total=file.total_bytes or 1)
        yield lambda: bar.update(task, completed=file.bytes_done)


def _table(receipt: Receipt) -> Table:
    table = Table(show_header=False)
    table.add_column()
    table.add_column(justify="right")
    counts = receipt.document
    for key, words in _WORDS.items():
        table.add_row(words, f"{counts[key]:,}")
    return table
