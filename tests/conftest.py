"""Real PostgreSQL and Redis for every test: embedded ones, or those of DATABASE_URL and REDIS_URL.

With given servers the tests make a database of their own and take a Redis database that is empty; both are
left as they were found.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
import redis
import structlog
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from psycopg import sql
from sqlalchemy import make_url
from starlette.testclient import TestClient

from canaries import CLIENT_SECRET, register_key_file
from canary_watch import nothing_leaks
from owner_connection import OwnerConnection
from redis_gone import unusable_redis as _unusable_redis  # noqa: F401  # a fixture of several folders
from spotify_insights.database.database import Database
from spotify_insights.database.role import DatabaseRole
from spotify_insights.database.upgrade import upgrade_database
from spotify_insights.embedded.servers import running_servers
from spotify_insights.pretend_spotify.config import Mode, PretendSpotifyConfig
from spotify_insights.pretend_spotify.running import RunningPretendSpotify, running_pretend_spotify
from spotify_insights.runtime import Runtime
from spotify_insights.security.key_file import create_key_file
from spotify_insights.settings import Settings
from spotify_insights.web.app import create_app

# What tests look at behind the product's back they see as migrations do: row-level security holds the owner
# of the tables, too. The product's own connections name their role and do not take this.
os.environ["PGOPTIONS"] = "-c app.actor_role=migration"

# A shared machine can be slow at any moment; that is no failure of the code.
hypothesis_settings.register_profile("default", deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis_settings.load_profile("default")


@dataclass(frozen=True)
class Servers:
    """Addresses that belong to this test run alone."""

    database_url: str
    redis_url: str


@pytest.fixture(scope="session", autouse=True)
def _no_logger_stays_as_a_command_left_it() -> Iterator[None]:
    """A command under test sets up logging for good, and what it logs with would ignore all later tests."""
    configure = structlog.configure
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            structlog,
            "configure",
            lambda **options: configure(**{**options, "cache_logger_on_first_use": False}),
        )
        yield


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    given_database, given_redis = os.environ.get("DATABASE_URL"), os.environ.get("REDIS_URL")
    if given_database and given_redis:
        with _own_database(given_database) as database_url, _own_redis(given_redis) as redis_url:
            yield Servers(database_url, redis_url)
        return
    with running_servers(tmp_path_factory.mktemp("servers") / "data", durable=False) as embedded:
        yield Servers(embedded.database_url, embedded.redis_url)


@pytest.fixture(scope="session")
def migrated(servers: Servers) -> Servers:
    """The servers with this version's schema."""
    upgrade_database(servers.database_url)
    return servers


@pytest.fixture(scope="session")
def key_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("keys") / "keys.json"
    create_key_file(path)
    register_key_file(path)
    return path


@pytest.fixture(scope="session")
def owner_connection(migrated: Servers) -> Iterator[OwnerConnection]:
    """The tests' own view of the servers, for what the product does not show."""
    connection = OwnerConnection(migrated.database_url, migrated.redis_url)
    yield connection
    connection.close()


@pytest.fixture
def empty(
    migrated: Servers, owner_connection: OwnerConnection, request: pytest.FixtureRequest
) -> Iterator[Servers]:
    """The servers without any rows and keys; afterwards they hold no secret that the test used."""
    owner_connection.remove_everything()
    with nothing_leaks(owner_connection, request):
        yield migrated


@pytest.fixture(scope="session")
def shared_pretend_spotify() -> Iterator[RunningPretendSpotify]:
    config = PretendSpotifyConfig(
        mode=Mode.EXTENDED,
        client_secret=CLIENT_SECRET,
        accept_unknown_tokens=True,
        control=True,
        warm_up=False,
    )
    with running_pretend_spotify(config) as running:
        yield running


@pytest.fixture
def pretend_spotify(shared_pretend_spotify: RunningPretendSpotify) -> RunningPretendSpotify:
    """A pretend Spotify in extended mode that knows every token; its control surface is open."""
    shared_pretend_spotify.control.reset()
    return shared_pretend_spotify


@pytest.fixture
def settings(empty: Servers, key_file: Path, pretend_spotify: RunningPretendSpotify) -> Settings:
    config = pretend_spotify.config
    return Settings.from_environment(
        {
            "DATABASE_URL": empty.database_url,
            "REDIS_URL": empty.redis_url,
            "TOKEN_KEYS_FILE": str(key_file),
            "SPOTIFY_API_URL": pretend_spotify.base_url,
            "SPOTIFY_ACCOUNTS_URL": pretend_spotify.base_url,
            "LISTENBRAINZ_API_URL": pretend_spotify.listenbrainz_url,
            # Tests that want it switch it on; the others need not know what it would add.
            "RECCOBEATS": "off",
            "RECCOBEATS_API_URL": pretend_spotify.reccobeats_url,
            "SPOTIFY_MODE": "extended",
            "SPOTIFY_CLIENT_ID": config.client_id,
            "SPOTIFY_CLIENT_SECRET": config.client_secret or "",
        }
    )


@pytest.fixture
def runtime(settings: Settings) -> Iterator[Runtime]:
    """All parts of the service over empty servers; nothing runs in the background."""
    built = Runtime.from_settings(settings, role=DatabaseRole.WORKER, process="spotify-insights tests")
    yield built
    built.close()


@pytest.fixture
def database(runtime: Runtime) -> Database:
    return runtime.database


@pytest.fixture
def client(settings: Settings) -> Iterator[TestClient]:
    """The API in this process, without a relay: tests run jobs themselves."""
    app = create_app(
        Runtime.from_settings(settings, role=DatabaseRole.API, process="spotify-insights api"),
        with_relay=False,
    )
    with TestClient(app, base_url="http://127.0.0.1:8000", raise_server_exceptions=False) as started:
        yield started


@contextmanager
def _own_database(given: str) -> Iterator[str]:
    name = f"spotify_insights_test_{os.getpid()}"
    with psycopg.connect(given, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    yield make_url(given).set(database=name).render_as_string(hide_password=False)
    with psycopg.connect(given, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@contextmanager
def _own_redis(given: str) -> Iterator[str]:
    address = make_url(given)
    for number in range(15, 0, -1):
        url = address.set(database=str(number)).render_as_string(hide_password=False)
        with redis.Redis.from_url(url) as client:
            if client.dbsize() == 0:
                yield url
                client.flushdb()
                return
    pytest.exit("No Redis database between 1 and 15 is empty; the tests need one.", returncode=1)
