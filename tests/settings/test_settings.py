"""A wrong setting is one sentence that names it and never repeats a secret."""

import pytest

from spotify_insights.errors import SetupError
from spotify_insights.settings import Settings, is_loopback

RIGHT = {
    "DATABASE_URL": "postgresql://me:hushhush@127.0.0.1/insights",
    "REDIS_URL": "redis://:hushhush@127.0.0.1:6379/0",
    "TOKEN_KEYS_FILE": "/nowhere/keys.json",
}


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("DATABASE_URL", "mysql://me:hushhush@127.0.0.1/insights"),
        ("DATABASE_URL", "host=127.0.0.1 password=hushhush"),
        ("REDIS_URL", "http://:hushhush@127.0.0.1"),
        ("CACHE_URL", "hushhush"),
        ("SPOTIFY_API_URL", "nonsense"),
        ("SPOTIFY_ACCOUNTS_URL", "ftp://accounts.example"),
        ("SPOTIFY_MODE", "free"),
        ("AUTH_MODE", "closed"),
        ("LOG_LEVEL", "loud"),
        ("DATABASE_POOL_SIZE", "0"),
        ("RELAY_POLL_SECONDS", "-1"),
        ("JOB_RETENTION_DAYS", "never"),
    ],
)
def test_a_wrong_value_is_refused_by_name(setting: str, value: str) -> None:
    with pytest.raises(SetupError) as refused:
        Settings.from_environment({**RIGHT, setting: value})
    assert refused.value.message.startswith(f"The setting {setting} cannot be used")
    assert "hushhush" not in refused.value.message


@pytest.mark.parametrize("setting", RIGHT)
def test_a_missing_setting_is_told_by_name(setting: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(setting, raising=False)
    given = {name: value for name, value in RIGHT.items() if name != setting}
    with pytest.raises(SetupError, match=f"The setting {setting} is not set"):
        Settings.from_environment(given)


def test_secrets_do_not_show_when_settings_are_printed() -> None:
    assert "hushhush" not in repr(Settings.from_environment(RIGHT))


def test_only_this_machine_is_loopback() -> None:
    assert all(is_loopback(host) for host in ("127.0.0.1", "127.8.9.10", "::1", "localhost"))
    assert not any(is_loopback(host) for host in ("", "0.0.0.0", "192.168.0.1", "localhost.example"))  # noqa: S104


def test_a_privacy_notice_is_a_web_address_or_nothing() -> None:
    assert Settings.from_environment({**RIGHT, "PRIVACY_NOTICE_URL": ""}).privacy_notice_url is None
    notice = "https://insights.example.org/privacy"
    assert Settings.from_environment({**RIGHT, "PRIVACY_NOTICE_URL": notice}).privacy_notice_url == notice
    with pytest.raises(SetupError, match="PRIVACY_NOTICE_URL cannot be used"):
        Settings.from_environment({**RIGHT, "PRIVACY_NOTICE_URL": "javascript:alert(1)"})
