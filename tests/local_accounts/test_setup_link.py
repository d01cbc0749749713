"""How whoever started the server learns of the link that makes the first admin: from its output alone."""

import pytest
from starlette.testclient import TestClient
from typer.testing import CliRunner

from page_trials import Browser, an_admins_browser, rows
from spotify_insights.cli.main import app
from spotify_insights.database.role import DatabaseRole
from spotify_insights.runtime import Runtime
from spotify_insights.settings import Settings
from spotify_insights.sign_in.first_admin import AdminExistsError
from spotify_insights.web.setup_link import print_setup_link


def printed(settings: Settings, capsys: pytest.CaptureFixture[str]) -> str:
    runtime = Runtime.from_settings(settings, role=DatabaseRole.API)
    print_setup_link(runtime)
    runtime.close()
    return capsys.readouterr().out


def test_the_server_prints_it_and_logs_nothing_of_it(
    site: TestClient,
    settings: Settings,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    required = settings.model_copy(update={"auth_mode": "required"})
    said = printed(required, capsys)
    address = said.split()[-1]

    assert address.startswith("http://127.0.0.1:8000/setup?token=")
    assert address.partition("token=")[2] not in caplog.text
    assert Browser(site).get(address.removeprefix("http://127.0.0.1:8000")).status_code == 200
    an_admins_browser(site)
    assert printed(required, capsys) == ""


def test_without_sign_in_nobody_has_to_be_first(
    settings: Settings, runtime: Runtime, capsys: pytest.CaptureFixture[str]
) -> None:
    assert printed(settings, capsys) == ""
    assert rows(runtime, "SELECT * FROM one_time_links") == []


def test_the_command_line_prints_another_one_while_there_is_no_admin(
    site: TestClient, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", settings.database_url.get_secret_value())
    run = CliRunner().invoke(app, ["accounts", "setup-link", "--public-url", "https://insights.example"])

    assert run.output.startswith("https://insights.example/setup?token=")
    path = run.output.strip().removeprefix("https://insights.example")
    assert Browser(site).get(path).status_code == 200
    an_admins_browser(site)
    late = CliRunner().invoke(app, ["accounts", "setup-link"])
    assert isinstance(late.exception, AdminExistsError)
