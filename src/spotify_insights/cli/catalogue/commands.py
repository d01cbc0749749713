"""`spotify-insights catalogue`: what the command line takes. The work is imported when a command runs."""

from pathlib import Path
from typing import Annotated

import typer

catalogue_app = typer.Typer(
    help="""Your own table of audio features, which is asked before anybody else.

    Public sets of Spotify's audio features work as they are. Whether you may use one is between you and
    whoever publishes it.
    """,
    no_args_is_help=True,
    rich_markup_mode=None,
)

DataDir = Annotated[Path | None, typer.Option(metavar="PATH", help="Use the `up` with this data folder.")]
Demo = Annotated[bool, typer.Option("--demo", help="Use the running demo.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


@catalogue_app.command()
def load(
    file: Annotated[Path, typer.Argument(help="A CSV file, also compressed with gzip, or a Parquet file.")],
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="What to call it (default: the file's name).")
    ] = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    demo: Demo = False,
) -> None:
    """Load a file of audio features: all of it, or nothing where it is damaged.

    The track is recognised by a column named spotify_id, track_id, track_uri, uri or id, features by
    Spotify's names; other columns do not count. Loading the same file again changes nothing.
    """
    from spotify_insights.cli.catalogue.loading import load_file

    load_file(file, data_dir, name=name, demo=demo, as_json=as_json)


@catalogue_app.command()
def status(as_json: AsJson = False, data_dir: DataDir = None, demo: Demo = False) -> None:
    """Say what is loaded, and how many of the tracks that are played here it knows."""
    from spotify_insights.cli.catalogue.standing import show_status

    show_status(data_dir, demo=demo, as_json=as_json)


@catalogue_app.command()
def unload(
    name: Annotated[str, typer.Argument(help="A name that `catalogue status` shows.")],
    data_dir: DataDir = None,
    demo: Demo = False,
) -> None:
    """Take a catalogue away again."""
    from spotify_insights.cli.catalogue.standing import unload_named

    unload_named(name, data_dir, demo=demo)
