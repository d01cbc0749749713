"""`spotify-insights import` and `imports`: what the command line takes. The work is loaded when one runs."""

from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

imports_app = typer.Typer(
    help="What was imported, and undoing it.", no_args_is_help=True, rich_markup_mode=None
)

User = Annotated[
    UUID | None, typer.Option("--user", metavar="USER_ID", help="Whose history (default: the only listener).")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
DataDir = Annotated[Path | None, typer.Option(metavar="PATH", help="Use the `up` with this data folder.")]
Demo = Annotated[bool, typer.Option("--demo", help="Use the demo.")]


def import_path(
    path: Annotated[
        Path, typer.Argument(help="Spotify's zip, one of its JSON files, or a folder with several.")
    ],
    user: User = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what it would bring; nothing is stored.")
    ] = False,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    demo: Demo = False,
) -> None:
    """Import a privacy export of Spotify's: all of it, or nothing where it is damaged.

    Uses the database of DATABASE_URL or, where that is not set, that of `up`, which need not be running.
    Importing a file again adds nothing. Nobody is asked over the network.
    """
    from spotify_insights.cli.imports.importing import import_from

    import_from(path, data_dir, user=user, demo=demo, dry_run=dry_run, as_json=as_json)


@imports_app.command("list")
def list_imports(
    user: User = None, as_json: AsJson = False, data_dir: DataDir = None, demo: Demo = False
) -> None:
    """Show what was imported, the newest first."""
    from spotify_insights.cli.imports.standing import show_imports

    show_imports(data_dir, user=user, demo=demo, as_json=as_json)


@imports_app.command()
def undo(
    import_id: Annotated[UUID, typer.Argument(metavar="IMPORT_ID", help="As `imports list` names it.")],
    user: User = None,
    data_dir: DataDir = None,
    demo: Demo = False,
) -> None:
    """Undo an import, as if it had never been.

    What another import tells, too, stays.
    """
    from spotify_insights.cli.imports.standing import undo_one

    undo_one(import_id, data_dir, user=user, demo=demo)


@imports_app.command()
def rebuild(user: User = None, data_dir: DataDir = None, demo: Demo = False) -> None:
    """Make anew what views read of a history, from its plays."""
    from spotify_insights.cli.imports.standing import rebuild as rebuild_history

    rebuild_history(data_dir, user=user, demo=demo)
