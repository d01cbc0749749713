"""`spotify-insights keys`: what the command line takes. The work is imported when a command runs."""

from pathlib import Path
from typing import Annotated

import typer

keys_app = typer.Typer(
    help="""The keys that seal stored tokens.

    They are in the file of TOKEN_KEYS_FILE or in TOKEN_KEYS itself; without either, in the data folder of
    `up`. A new key takes three steps: `generate` makes it, `rotate` seals everything stored with it, `retire`
    takes the old one away. The service goes on running meanwhile.
    """,
    no_args_is_help=True,
    rich_markup_mode=None,
)

DataDir = Annotated[Path | None, typer.Option(metavar="PATH", help="Use the `up` with this data folder.")]
Demo = Annotated[bool, typer.Option("--demo", help="Use the running demo.")]
KeyId = Annotated[str, typer.Argument(metavar="KEY_ID", help="The key, as `keys status` names it.")]


@keys_app.command("create")
def create(path: Annotated[Path, typer.Argument(help="The file to write, with mode 0600.")]) -> None:
    """Write a new key file; an existing one is left alone."""
    from spotify_insights.security.key_file import create_key_file

    written = create_key_file(path)
    typer.echo(f"Wrote {path}. Keep a copy of it apart from the database." if written else f"{path} exists.")


@keys_app.command()
def generate(
    secondary: Annotated[
        bool,
        typer.Option("--secondary", help="Only to open with, until `keys promote` makes it the primary key."),
    ] = False,
    data_dir: DataDir = None,
    demo: Demo = False,
) -> None:
    """Make a new key, which seals everything from now on.

    A new installation gets its key file. The service takes a changed file up by itself, within about a
    second; where several machines have copies of the file, use --secondary first, so that all of them can
    open what one of them seals. With TOKEN_KEYS in the environment the new value is printed.
    """
    from spotify_insights.cli.keys.changing import generate_key

    generate_key(data_dir, demo=demo, secondary=secondary)


@keys_app.command()
def promote(key_id: KeyId, data_dir: DataDir = None, demo: Demo = False) -> None:
    """Make a key of the ring the one that seals."""
    from spotify_insights.cli.keys.changing import promote_key

    promote_key(key_id, data_dir, demo=demo)


@keys_app.command()
def rotate(data_dir: DataDir = None, demo: Demo = False) -> None:
    """Seal everything stored with the primary key, while the service runs.

    Ends with exit code 0 when nothing is left that another key has sealed. It may be interrupted at any
    moment and run again, and several times at once.
    """
    from spotify_insights.cli.keys.rotating import rotate_keys

    raise typer.Exit(rotate_keys(data_dir, demo=demo))


@keys_app.command()
def status(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
    data_dir: DataDir = None,
    demo: Demo = False,
) -> None:
    """Show the keys, and what each of them has sealed."""
    from spotify_insights.cli.keys.status import show_status

    show_status(data_dir, demo=demo, as_json=as_json)


@keys_app.command()
def retire(key_id: KeyId, data_dir: DataDir = None, demo: Demo = False) -> None:
    """Take a key out of the ring that seals nothing any more.

    It is refused while anything stored needs the key. Backups of the database from before need it as well:
    keep a copy of the key file as long as those.
    """
    from spotify_insights.cli.keys.changing import retire_key

    retire_key(key_id, data_dir, demo=demo)


@keys_app.command("begin-anew")
def begin_anew(
    i_lost_the_ring: Annotated[
        bool, typer.Option("--i-lost-the-ring", help="There is no copy of the old key ring anywhere.")
    ] = False,
    data_dir: DataDir = None,
    demo: Demo = False,
) -> None:
    """Go on without a key ring that is lost, with the one that is there now or with a new one.

    Stop the service first. What only the lost ring opened is given up: everybody connects Spotify and
    ListenBrainz again, API keys are revoked, access tokens end, and the pseudonyms of the audit log begin
    anew. Passwords, sessions and everybody's history stay. It is refused where the ring opens everything.
    """
    from spotify_insights.cli.keys.beginning_anew import begin_keys_anew

    begin_keys_anew(data_dir, demo=demo, is_lost=i_lost_the_ring)
