"""Which database a command means: DATABASE_URL, or that of a running `up` or `demo`, without its lock."""

import socket
from pathlib import Path

import pytest

from conftest import Servers
from fresh_database import fresh_database
from job_trials import WriteNote, enqueued
from operator_trials import Operator
from spotify_insights.database.database import Database
from spotify_insights.database.upgrade import upgrade_database
from spotify_insights.embedded.servers import running_servers

pytest_plugins = ["server_folders"]

NOWHERE = "postgresql://me:canary@127.0.0.1:1/insights"


def ids(operator: Operator, *options: str) -> list[str]:
    return [job["id"] for job in operator.type("jobs", "list", "--json", *options).document]


def one_job_in(url: str) -> str:
    upgrade_database(url)
    database = Database(url, pool_size=1)
    try:
        return str(enqueued(database, WriteNote()))
    finally:
        database.close()


def test_the_database_of_a_running_up_is_found_where_its_folder_is(anybody: Operator, folder: Path) -> None:
    share = anybody.folder / "share"
    share.mkdir()
    (share / "spotify-insights").symlink_to(folder)
    with running_servers(folder, durable=False) as servers:
        job_id = one_job_in(servers.database_url)
        assert ids(anybody) == [job_id]
        # An option that names a folder comes before the environment.
        anybody.patch.setenv("DATABASE_URL", NOWHERE)
        assert ids(anybody, "--data-dir", str(folder)) == [job_id]
        (share / "spotify-insights").rename(share / "spotify-insights-demo")
        assert ids(anybody, "--demo") == [job_id]
    refused = anybody.type("jobs", "list", "--demo")
    assert refused.code == 1
    assert refused.err.startswith("No database runs with the data folder ")


@pytest.mark.slow
def test_it_is_found_also_where_the_folder_is_too_deep_for_sockets(anybody: Operator, folder: Path) -> None:
    deep = anybody.folder / ("d" * 60) / ("e" * 60) / "data, with a comma"
    deep.parent.mkdir(parents=True)
    folder.rename(deep)
    with running_servers(deep, durable=False) as servers:
        assert str(deep) not in servers.database_url
        job_id = one_job_in(servers.database_url)
        assert ids(anybody, "--data-dir", str(deep)) == [job_id]


def test_where_nothing_runs_one_sentence_says_so_and_nothing_is_made(anybody: Operator) -> None:
    for words, command in (([], "up"), (["--demo"], "demo"), (["--data-dir", "mine"], "up --data-dir")):
        refused = anybody.type("jobs", "list", *words)
        assert (refused.code, refused.out) == (1, "")
        assert refused.err.count("\n") == 1
        assert f"Start it with `spotify-insights {command}" in refused.err
    assert list(anybody.folder.iterdir()) == []


def test_a_socket_that_a_crash_left_behind_is_nobody(anybody: Operator) -> None:
    sockets = anybody.folder / "data" / "run" / "postgres"
    sockets.mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as left_over:
        anybody.patch.chdir(sockets)  # the whole path may be too long
        left_over.bind(".s.PGSQL.5432")
    refused = anybody.type("jobs", "list", "--data-dir", str(anybody.folder / "data"))
    assert refused.err.startswith("No database runs with the data folder ")


def test_a_settings_file_names_the_database(anybody: Operator) -> None:
    (anybody.folder / ".env").write_text(f"DATABASE_URL={NOWHERE}\n", encoding="utf-8")
    with anybody.start("jobs", "list") as process:
        _, complaint = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "127.0.0.1:1/insights" in complaint


@pytest.mark.parametrize("words", [["list"], ["show", "abcd"], ["retry", "abcd"], ["retry", "--dead"]])
def test_a_database_that_does_not_answer_is_one_sentence_without_its_password(
    anybody: Operator, words: list[str]
) -> None:
    anybody.patch.setenv("DATABASE_URL", NOWHERE)
    refused = anybody.type("jobs", *words)
    assert (refused.code, refused.out) == (1, "")
    assert refused.err.startswith("The database at 127.0.0.1:1/insights (DATABASE_URL) cannot be used")
    assert refused.err.count("\n") == 1
    assert "canary" not in refused.err


@pytest.mark.parametrize("url", ["the canary's database", "mysql://me:canary@127.0.0.1/x"])
def test_what_is_no_address_of_a_database_is_one_sentence(anybody: Operator, url: str) -> None:
    anybody.patch.setenv("DATABASE_URL", url)
    refused = anybody.type("jobs", "watch")
    assert refused.code == 1
    assert "DATABASE_URL" in refused.err
    assert refused.err.count("\n") == 1
    assert "canary" not in refused.err


def test_a_database_without_our_tables_is_one_sentence(anybody: Operator, servers: Servers) -> None:
    with fresh_database(servers.database_url) as url:
        anybody.patch.setenv("DATABASE_URL", url)
        for command in ("list", "watch"):
            refused = anybody.type("jobs", command)
            assert (refused.code, refused.out) == (1, "")
            assert refused.err.startswith("This database does not have the schema of this version.")
            assert refused.err.count("\n") == 1
