"""`spotify-insights up`: everything on one machine, in one terminal.

Whatever is slow to import is imported while something else starts anyway.
"""

import os
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from socket import socket

from spotify_insights import __version__
from spotify_insights.cli.data_directory import default_data_dir
from spotify_insights.cli.open_port import open_port, web_address
from spotify_insights.cli.processes import Process, StopRequested, Supervisor
from spotify_insights.cli.terminal import complain, say, show_in_browser
from spotify_insights.embedded.child_process import ChildProcess
from spotify_insights.embedded.data_folder import DataFolder
from spotify_insights.embedded.postgres import EmbeddedPostgres
from spotify_insights.embedded.valkey import EmbeddedValkey
from spotify_insights.errors import SetupError
from spotify_insights.settings import is_loopback
from spotify_insights.sign_in.redirect_uri import check_public_url, redirect_uri

_REAL_DATA = ("DATABASE_URL", "REDIS_URL", "CACHE_URL", "TOKEN_KEYS_FILE", "TOKEN_KEYS")
_CONCURRENCY = {"spotify": 2, "insights": 2, "scheduled": 1}
# A job that takes longer to finish is cut off, and the worker has the rest of the time to give it back.
_WORKER_HAS_SECONDS = 10.0
_JOBS_HAVE_SECONDS = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class UpOptions:
    """What a person may choose.

    `data_dir` None is this system's usual place, `port` 0 any free one, `workers` the number of concurrent
    jobs in each queue (None: 2 for spotify and insights, 1 for scheduled).
    """

    host: str = "127.0.0.1"
    port: int = 8000
    data_dir: Path | None = None
    no_browser: bool = False
    workers: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoHooks:
    """What turns `up` into the demo.

    `pretend_arguments` follow `python -m spotify_insights.pretend_spotify`, which gets `pretend_environment`
    on top of ours and keeps the open descriptors `pretend_pass_fds`. `environment` is given to every other
    child. `seed` gets the children's whole environment; it runs at every start, as soon as the database has
    its schema and the pretend Spotify is ready, while API and workers still start.
    """

    pretend_arguments: Sequence[str]
    pretend_environment: Mapping[str, str]
    environment: Mapping[str, str]
    seed: Callable[[Mapping[str, str]], None]
    pretend_pass_fds: Collection[int] = ()


def run_up(options: UpOptions, *, demo: DemoHooks | None = None) -> int:
    """Run everything until Ctrl-C, SIGTERM or a closed terminal; returns the exit code.

    0 after such an end, 1 after a situation that one printed sentence explains. Call it from the main thread.
    """
    with Supervisor(say) as supervisor:
        try:
            _bring_up(supervisor, options, demo)
            supervisor.watch()
        except StopRequested:
            say("\nStopping; Ctrl-C again hurries.")
            return 0
        except SetupError as error:
            complain(str(error))
            return 1
        except OSError as error:
            place = f"{error.filename}: " if error.filename else ""
            complain(f"The system refuses: {place}{error.strerror or error}. Mend that and start again.")
            return 1


def _bring_up(supervisor: Supervisor, options: UpOptions, demo: DemoHooks | None) -> None:
    # Invented listeners and a pretend Spotify must never come near real people's data and tokens.
    ignored = [name for name in _REAL_DATA if demo is not None and os.environ.get(name)]
    given = {name: value for name, value in os.environ.items() if name not in ignored}
    with_sign_in = given.get("AUTH_MODE") == "required"
    listener = supervisor.hold(open_port(options.host, options.port, with_sign_in=with_sign_in))
    name = "spotify-insights" if demo is None else "spotify-insights-demo"
    folder = supervisor.hold(DataFolder(options.data_dir or default_data_dir(name)))
    say(f"spotify-insights {__version__}")
    if ignored:
        say(f"  left alone {', '.join(ignored)}: the demo uses nothing but its own")
    say(f"  data       {folder.path}")
    common = {
        **given,
        "HOST": options.host,
        "PORT": str(listener.getsockname()[1]),
        # The address itself and not a name for it: providers refuse `localhost` in redirect addresses. The
        # demo is reached here, whatever else is configured.
        "PUBLIC_URL": (demo is None and given.get("PUBLIC_URL")) or _own_address(options.host, listener),
        # Both are named, one of them empty, so that no file of settings puts a second ring beside the first.
        "TOKEN_KEYS": given.get("TOKEN_KEYS", ""),
        "TOKEN_KEYS_FILE": _key_file(folder, given),
        # It is shown here; the API's output goes to a file.
        "SETUP_LINK_SHOWN": "1",
        # A module in the working folder must not pass for one of ours.
        "PYTHONSAFEPATH": "1",
        "PYTHONUNBUFFERED": "1",
    }
    check_public_url(common["PUBLIC_URL"])
    if demo is not None:
        _launch_pretend_spotify(supervisor, folder, common, demo)
        common |= demo.environment
    environment = {**common, **_server_addresses(supervisor, folder, given)}
    # Named even where it is the same, so that no file of settings puts another one in its place.
    environment.setdefault("CACHE_URL", environment["REDIS_URL"])
    if demo is None:
        _say_what_to_register(environment)
    _prepare_data(supervisor, environment, servers_are_ours=not given.get("DATABASE_URL"))
    _launch_doors(supervisor, folder, environment, listener, options)
    if demo is not None:
        demo.seed(environment)
    supervisor.wait_until_ready()
    # With sign-in only the public address is answered.
    address = environment["PUBLIC_URL"] if with_sign_in else web_address(options.host, listener)
    say(f"Ready: {address}  (Ctrl-C stops everything)")
    if with_sign_in:
        _say_who_is_first(environment)
    if not options.no_browser:
        show_in_browser(address)


def _say_who_is_first(environment: Mapping[str, str]) -> None:
    """While there is no admin: the link that makes one. In no log, because whoever reads it may use it."""
    from spotify_insights.cli.accounts.setup_link import link_of_this_start  # noqa: PLC0415

    link = link_of_this_start(environment)
    if link is not None:
        say(f"Nobody can sign in yet. Become the admin, within a day and once:\n  {link}")


def _own_address(host: str, listener: socket) -> str:
    bound = str(listener.getsockname()[0])
    if not is_loopback(bound):
        raise SetupError(
            f"--host {host} serves other machines, and PUBLIC_URL is not set: set it to the https address at "
            "which browsers reach this installation, such as https://insights.example.org."
        )
    return web_address(bound, listener)


def _say_what_to_register(environment: Mapping[str, str]) -> None:
    address = redirect_uri(environment["PUBLIC_URL"], "spotify")
    if environment.get("SPOTIFY_CLIENT_ID"):
        say(f"  register   {address} as redirect URI at Spotify")
    else:
        say(
            f"  spotify    not set up; register {address} at Spotify, then set SPOTIFY_CLIENT_ID and "
            "SPOTIFY_CLIENT_SECRET"
        )


def _key_file(folder: DataFolder, given: Mapping[str, str]) -> str:
    if given.get("TOKEN_KEYS_FILE") or given.get("TOKEN_KEYS"):
        return given.get("TOKEN_KEYS_FILE", "")
    return str(folder.path / "keys.json")


def _server_addresses(supervisor: Supervisor, folder: DataFolder, given: Mapping[str, str]) -> dict[str, str]:
    """Launch the servers that `given` does not name, and check those that it does."""
    own: list[ChildProcess] = []
    addresses = {name: given.get(name, "") for name in ("DATABASE_URL", "REDIS_URL")}
    places = {"DATABASE_URL": "PostgreSQL in the data folder", "REDIS_URL": "Valkey in the data folder"}
    if addresses["DATABASE_URL"] or addresses["REDIS_URL"]:
        from spotify_insights.cli.given_servers import check_database, check_redis  # noqa: PLC0415

        for setting, check in (("DATABASE_URL", check_database), ("REDIS_URL", check_redis)):
            if addresses[setting]:
                places[setting] = f"{check(addresses[setting])} ({setting})"
    if given.get("CACHE_URL"):
        from spotify_insights.cli.given_servers import check_redis  # noqa: PLC0415

        check_redis(given["CACHE_URL"], setting="CACHE_URL")
    # Valkey first: making a new database takes a second, meanwhile the other is up.
    if not addresses["REDIS_URL"]:
        valkey = EmbeddedValkey(folder)
        addresses["REDIS_URL"] = valkey.url
        own.append(valkey)
    if not addresses["DATABASE_URL"]:
        postgres = EmbeddedPostgres(folder)
        addresses["DATABASE_URL"] = postgres.url
        own.append(postgres)
    say(f"  database   {places['DATABASE_URL']}")
    say(f"  queue      {places['REDIS_URL']}")
    supervisor.launch(*own)
    return addresses


def _launch_pretend_spotify(
    supervisor: Supervisor, folder: DataFolder, environment: Mapping[str, str], demo: DemoHooks
) -> None:
    say("  spotify    a pretend one, on this machine")
    pretend = Process(
        "pretend-spotify",
        [sys.executable, "-m", "spotify_insights.pretend_spotify", *demo.pretend_arguments],
        env={**environment, **demo.pretend_environment},
        ready_file=folder.run / "pretend-spotify.ready",
        log=folder.logs / "pretend-spotify.log",
        pass_fds=demo.pretend_pass_fds,
    )
    supervisor.launch(pretend)


def _prepare_data(supervisor: Supervisor, environment: Mapping[str, str], *, servers_are_ours: bool) -> None:
    """Keys and schema. The imports are what takes time, so they come before the wait for the servers."""
    from spotify_insights.database.database import Database  # noqa: PLC0415
    from spotify_insights.database.role import DatabaseRole  # noqa: PLC0415
    from spotify_insights.database.upgrade import upgrade_database  # noqa: PLC0415
    from spotify_insights.jobs.recovery import end_leases_of_the_dead  # noqa: PLC0415
    from spotify_insights.security.key_file import create_key_file  # noqa: PLC0415
    from spotify_insights.settings import Settings  # noqa: PLC0415

    # A wrong setting is told now, before anything is changed, and not by whichever child meets it first.
    Settings.from_environment(environment)
    if environment["TOKEN_KEYS_FILE"]:
        create_key_file(Path(environment["TOKEN_KEYS_FILE"]))
    supervisor.wait_until_ready()
    upgrade_database(environment["DATABASE_URL"])
    if servers_are_ours:
        # They have no workers but ours, and ours do not run yet.
        database = Database(environment["DATABASE_URL"], role=DatabaseRole.WORKER, pool_size=1)
        end_leases_of_the_dead(database)
        database.close()


def _grace_seconds(environment: Mapping[str, str]) -> int:
    """What running jobs get when everything stops: less than on a platform, because a person waits."""
    from spotify_insights.settings import Settings  # noqa: PLC0415

    return min(Settings.from_environment(environment).worker_grace_seconds, _JOBS_HAVE_SECONDS)


def _launch_doors(
    supervisor: Supervisor,
    folder: DataFolder,
    environment: Mapping[str, str],
    listener: socket,
    options: UpOptions,
) -> None:
    """API, workers and beat, side by side: most of their start is imports."""
    grace_seconds = _grace_seconds(environment)

    def door(name: str, *arguments: str, stop_deadline: float = 5.0) -> Process:
        return Process(
            name,
            [sys.executable, "-m", "spotify_insights", *arguments],
            env={**environment, "WORKER_GRACE_SECONDS": str(grace_seconds)},
            ready_file=folder.run / f"{name}.ready",
            log=folder.logs / f"{name}.log",
            stop_deadline=stop_deadline,
            pass_fds=[listener.fileno()] if name == "api" else (),
        )

    workers = [
        door(
            f"worker-{queue}",
            *("worker", queue, "--concurrency", str(options.workers or usual)),
            stop_deadline=_WORKER_HAS_SECONDS,
        )
        for queue, usual in _CONCURRENCY.items()
    ]
    api = door("api", "api", "--host", options.host, "--fd", str(listener.fileno()))
    supervisor.launch(api, *workers, door("beat", "beat"))
