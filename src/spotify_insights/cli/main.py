"""The `spotify-insights` command. Each command imports what it needs when it runs, so that all start fast."""

import importlib
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from dotenv import load_dotenv

from spotify_insights import __version__
from spotify_insights.cli.accounts.commands import accounts_app
from spotify_insights.cli.catalogue.commands import catalogue_app
from spotify_insights.cli.erasures.commands import erasures_app
from spotify_insights.cli.imports.commands import import_path, imports_app
from spotify_insights.cli.jobs.commands import jobs_app
from spotify_insights.cli.keys.commands import keys_app
from spotify_insights.errors import ProductError, SetupError
from spotify_insights.observability import configure_logging

app = typer.Typer(
    name="spotify-insights",
    help="Listening history, turned into insights worth reading.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode=None,
)
database_app = typer.Typer(help="The database schema.", no_args_is_help=True)
app.add_typer(accounts_app, name="accounts")
app.add_typer(catalogue_app, name="catalogue")
app.add_typer(imports_app, name="imports")
app.add_typer(jobs_app, name="jobs")
app.add_typer(keys_app, name="keys")
app.add_typer(erasures_app, name="erasures")
app.add_typer(database_app, name="database")

app.command("import")(import_path)

Host = Annotated[str, typer.Option(help="Address to serve on; it must be this machine's own loopback.")]
Port = Annotated[int, typer.Option(min=0, max=65535, help="Port to serve on; 0 takes any free one.")]
DataDir = Annotated[Path | None, typer.Option(help="Folder for all data (default: in your home).")]
NoBrowser = Annotated[bool, typer.Option("--no-browser", help="Do not open a browser.")]
Workers = Annotated[int | None, typer.Option(min=1, max=32, help="Concurrent jobs in each queue.")]
SocketDescriptor = Annotated[int | None, typer.Option("--fd", hidden=True)]


@app.command()
def up(
    host: Host = "127.0.0.1",
    port: Port = 8000,
    data_dir: DataDir = None,
    no_browser: NoBrowser = False,
    workers: Workers = None,
) -> None:
    """Start everything on this machine.

    Database, cache, API, one worker process per queue and beat, until Ctrl-C.
    """
    from spotify_insights.cli.up import UpOptions, run_up

    options = UpOptions(host=host, port=port, data_dir=data_dir, no_browser=no_browser, workers=workers)
    raise typer.Exit(run_up(options, demo=None))


@app.command()
def demo(
    host: Host = "127.0.0.1",
    port: Port = 8000,
    data_dir: DataDir = None,
    no_browser: NoBrowser = False,
    workers: Workers = None,
) -> None:
    """Start everything, with a pretend Spotify.

    It has a data folder of its own and a listener with a year and a half of history.
    """
    from spotify_insights.cli.demo import demo_hooks
    from spotify_insights.cli.up import UpOptions, run_up

    options = UpOptions(host=host, port=port, data_dir=data_dir, no_browser=no_browser, workers=workers)
    raise typer.Exit(run_up(options, demo=demo_hooks()))


@app.command()
def api(host: Host = "127.0.0.1", port: Port = 8000, fd: SocketDescriptor = None) -> None:
    """Serve the API and relay jobs to the workers."""
    start_door("spotify_insights.web.serve", "serve_api", host=host, port=port, fd=fd)


@app.command()
def worker(
    queue: Annotated[str, typer.Argument(help="spotify, insights or scheduled")],
    concurrency: Annotated[int | None, typer.Option(min=1, max=64, help="Jobs at the same time.")] = None,
) -> None:
    """Work on the jobs of one queue."""
    start_door("spotify_insights.worker.serve", "run_worker", queue=queue, concurrency=concurrency)


@app.command()
def beat() -> None:
    """Fire the schedule. One beat is enough; several do no harm."""
    start_door("spotify_insights.worker.serve", "run_beat")


@app.command()
def relay(
    metrics_port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Port to serve metrics on; without it, none are.")
    ] = None,
    metrics_host: Annotated[str, typer.Option(help="Address to serve metrics on.")] = "127.0.0.1",
) -> None:
    """Hand queued jobs to the workers.

    It takes back the jobs of dead workers and fires what the schedule missed, as every API process does too;
    one by itself keeps jobs moving where no API runs. Any number may run.
    """
    start_door(
        "spotify_insights.worker.serve", "run_relay", metrics_host=metrics_host, metrics_port=metrics_port
    )


@app.command()
def flower(
    address: Annotated[str, typer.Option(help="Address to serve on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port to serve on; 0 takes any free one.")
    ] = 5555,
) -> None:
    """Show Celery's own view of workers and tasks in a browser.

    For looking only: nothing can be changed there. Asks for FLOWER_USER and FLOWER_PASSWORD, and does not
    start without the latter. The connection is not encrypted: serve other machines through a proxy that
    does that.
    """
    start_door("spotify_insights.worker.flower", "run_flower", address=address, port=port)


@database_app.command("upgrade")
def database_upgrade() -> None:
    """Bring the database of DATABASE_URL to this version's schema. Safe to repeat."""
    from spotify_insights.database.upgrade import upgrade_database
    from spotify_insights.settings import Settings

    upgrade_database(Settings.from_environment().database_url.get_secret_value())
    typer.echo("The database has the schema of this version.")


@database_app.command("revision")
def database_revision(
    message: Annotated[str, typer.Argument(help="What changes, in a few words.")],
) -> None:
    """For developers: write a migration from the difference between the models and the migrations so far."""
    from tempfile import TemporaryDirectory

    from spotify_insights.database.upgrade import upgrade_database, write_migration
    from spotify_insights.embedded.servers import running_servers
    from spotify_insights.tables import metadata

    with TemporaryDirectory() as folder, running_servers(Path(folder) / "data", durable=False) as servers:
        upgrade_database(servers.database_url)
        write_migration(servers.database_url, metadata, message)


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(__version__)


def _read_settings_file() -> None:
    try:
        load_dotenv(".env")
    except (OSError, UnicodeDecodeError) as error:
        raise SetupError(f"The file .env of this folder cannot be read ({error}); mend or move it.") from None


def start_door(module: str, function: str, **options: Any) -> None:
    """Run another door in this process. By name, because doors know nothing of each other."""
    getattr(importlib.import_module(module), function)(**options)


def main() -> None:
    """Run the command line; a foreseen situation is one sentence and exit code 1, never a traceback.

    Settings in a file `.env` of the working folder count where the environment does not name them.
    """
    # On a terminal only what needs attention; processes with logs of their own configure themselves again.
    configure_logging("WARNING", "console")
    try:
        _read_settings_file()
        app(prog_name="spotify-insights")
    except ProductError as error:
        sys.stderr.write(f"{error.message}\n")
        sys.exit(1)
