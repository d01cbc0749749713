"""`spotify-insights erasures`: what the command line takes. The work is imported when a command runs."""

from pathlib import Path
from typing import Annotated

import typer

erasures_app = typer.Typer(
    help="""Who was erased, without saying who: tombstones.

    A backup from before an erasure holds everything again. Keep a list of erasures apart from the backups,
    and apply it after a restore.
    """,
    no_args_is_help=True,
    rich_markup_mode=None,
)

DataDir = Annotated[Path | None, typer.Option(metavar="PATH", help="Use the `up` with this data folder.")]
Demo = Annotated[bool, typer.Option("--demo", help="Use the running demo.")]


@erasures_app.command("list")
def list_erasures(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs, and to keep.")] = False,
    data_dir: DataDir = None,
    demo: Demo = False,
) -> None:
    """List the erasures, the oldest first."""
    from spotify_insights.cli.erasures.listing import show_erasures

    show_erasures(data_dir, demo=demo, as_json=as_json)


@erasures_app.command()
def reapply(
    file: Annotated[Path, typer.Argument(help="What `erasures list --json` printed before the restore.")],
    data_dir: DataDir = None,
    demo: Demo = False,
) -> None:
    """Erase again whom a restored backup has brought back.

    Needs the keys of the installation, because tombstones hold pseudonyms. The workers do the deleting; it
    may be run any number of times. A service goes after its users: where one was back, the exit code is 1,
    and it takes a second run when the workers have erased those.
    """
    from spotify_insights.cli.erasures.reapplying import reapply_erasures

    raise typer.Exit(reapply_erasures(file, data_dir, demo=demo))
