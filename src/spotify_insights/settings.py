"""Everything the environment decides. Read once by a door, then handed down; nothing else reads it."""

import ipaddress
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from spotify_insights.errors import SetupError

# A century: longer ones leave PostgreSQL's calendar at some point.
LONGEST_RETENTION_DAYS: Final = 36_500
# A weekly summary is due for three days. Forgotten sooner, one that failed or was cancelled would come back.
SHORTEST_JOB_RETENTION_DAYS: Final = 4


def is_loopback(host: str) -> bool:
    """Whether `host`, a name or an address, means this machine's own loopback."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost"
    # Python 3.13 looks through IPv4 addresses that are written as IPv6; older ones do not.
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


class Settings(BaseSettings):
    """One field per environment variable, its name in capitals. `.env.example` explains each."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    database_url: SecretStr
    redis_url: SecretStr
    cache_url: SecretStr | None = None
    # Where the key ring is: a file, or the ring itself. Exactly one of the two.
    token_keys_file: Path | None = None
    token_keys: SecretStr | None = None

    auth_mode: Literal["open", "required"] = "open"
    registration: Literal["closed", "invitation", "open"] = "invitation"
    # Where browsers reach this installation; constant, because providers compare redirect addresses with it.
    public_url: str = "http://127.0.0.1:8000"
    # Whose X-Forwarded-For and X-Forwarded-Proto are believed: addresses and networks, separated by commas.
    trusted_proxies: str = ""
    display_name: str = "Listening Insights"
    # Where the operator says what is kept about people and why; every page links to it.
    privacy_notice_url: str | None = None
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["json", "console"] = "json"

    spotify_mode: Literal["development", "extended"] = "development"
    spotify_client_id: str = ""
    spotify_client_secret: SecretStr | None = None
    spotify_api_url: str = "https://api.spotify.com"
    spotify_accounts_url: str = "https://accounts.spotify.com"

    listenbrainz_api_url: str = "https://api.listenbrainz.org"

    # Another server is told which tracks are played here, and nothing of who plays them.
    reccobeats: Literal["on", "off"] = "on"
    reccobeats_api_url: str = "https://api.reccobeats.com"
    genre_tags: Literal["on", "off"] = "off"

    # What counts as a play where a listener prefers nothing else; `listening.analytics.play_rule` says how.
    play_rule: Literal["spotify", "lastfm", "all"] = "spotify"

    # Below twenty not even one nightly ingestion would fit beside the part that is kept for listeners.
    spotify_calls_per_day: int = Field(default=600, ge=20)

    # HTTP Basic authentication ends the name at the first colon.
    flower_user: str = Field(default="admin", pattern="^[^:]+$")
    flower_password: SecretStr | None = None

    database_pool_size: int = Field(default=10, ge=1, le=200)
    relay_poll_seconds: float = Field(default=1.0, gt=0, le=60)
    job_lease_seconds: int = Field(default=60, ge=2, le=3600)
    worker_grace_seconds: int = Field(default=130, ge=1, le=3600)

    nightly_ingestion_cron: str = "0 2 * * *"
    refresh_expiring_tokens_cron: str = "*/30 * * * *"
    recently_played_cron: str = "*/5 * * * *"
    weekly_summaries_cron: str = "0 * * * *"
    calendar_snapshots_cron: str = "27 * * * *"
    fill_features_cron: str = "17 * * * *"
    fill_genres_cron: str = "47 * * * *"
    refresh_histories_cron: str = "37 * * * *"
    cleanup_old_jobs_cron: str = "0 3 * * 1"
    purge_expired_data_cron: str = "30 3 * * *"
    monitor_failed_jobs_cron: str = "*/5 * * * *"
    canary_cron: str = "* * * * *"

    job_retention_days: int = Field(default=30, ge=SHORTEST_JOB_RETENTION_DAYS, le=LONGEST_RETENTION_DAYS)
    failed_job_retention_days: int = Field(
        default=90, ge=SHORTEST_JOB_RETENTION_DAYS, le=LONGEST_RETENTION_DAYS
    )
    dead_job_retention_days: int = Field(
        default=365, ge=SHORTEST_JOB_RETENTION_DAYS, le=LONGEST_RETENTION_DAYS
    )
    schedule_slot_retention_days: int = Field(default=7, ge=1, le=LONGEST_RETENTION_DAYS)
    alert_retention_days: int = Field(default=90, ge=1, le=LONGEST_RETENTION_DAYS)

    alert_failure_percent: int = Field(default=25, ge=1, le=100)
    alert_failure_window_minutes: int = Field(default=60, ge=1, le=10_080)
    alert_failure_minimum_jobs: int = Field(default=5, ge=1)
    alert_dead_days: int = Field(default=7, ge=1, le=365)
    alert_waiting_minutes: int = Field(default=10, ge=1, le=10_080)
    alert_silent_minutes: int = Field(default=5, ge=1, le=10_080)

    session_idle_days: int = Field(default=7, ge=1, le=365)
    session_days: int = Field(default=30, ge=1, le=365)
    export_retention_hours: int = Field(default=24, ge=1, le=720)
    audit_retention_days: int = Field(default=365, ge=30, le=LONGEST_RETENTION_DAYS)
    # Plays are kept for ever unless an operator says otherwise.
    plays_retention_days: int | None = Field(default=None, ge=30, le=LONGEST_RETENTION_DAYS)

    requests_per_minute: int = Field(default=600, ge=1)
    sign_ins_per_minute: int = Field(default=10, ge=1)
    uploads_per_hour: int = Field(default=20, ge=1)
    # Larger ones than four GiB are refused as no listening history.
    upload_limit_mb: int = Field(default=1024, ge=1, le=4096)
    generations_per_minute: int = Field(default=30, ge=1)
    insights_per_day: int = Field(default=200, ge=1)

    @property
    def serves_tls(self) -> bool:
        """Whether browsers reach this installation encrypted."""
        return urlsplit(self.public_url).scheme == "https"

    @field_validator("token_keys_file", "token_keys", "privacy_notice_url", mode="before")
    @classmethod
    def _empty_is_not_set(cls, value: object) -> object:
        return None if value == "" else value

    @field_validator("database_url")
    @classmethod
    def _is_postgresql(cls, value: SecretStr) -> SecretStr:
        if urlsplit(value.get_secret_value()).scheme not in {"postgresql", "postgres"}:
            raise ValueError("must be a PostgreSQL address such as postgresql://user:password@host:5432/name")
        return value

    @field_validator("redis_url", "cache_url")
    @classmethod
    def _is_redis(cls, value: SecretStr | None) -> SecretStr | None:
        if value and urlsplit(value.get_secret_value()).scheme not in {"redis", "rediss", "unix"}:
            raise ValueError("must be a Redis address such as redis://host:6379/0 or unix:///path/to/socket")
        return value

    @field_validator(
        *("spotify_api_url", "spotify_accounts_url", "listenbrainz_api_url", "public_url"),
        *("reccobeats_api_url", "privacy_notice_url"),
    )
    @classmethod
    def _is_web_address(cls, value: str | None) -> str | None:
        if value is None:
            return None
        address = urlsplit(value)
        if address.scheme not in {"http", "https"} or not address.hostname:
            raise ValueError("must be a web address such as https://api.spotify.com")
        return value

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Self:
        """Read the environment.

        Args:
            environment: variables that come before the process's own.

        Raises:
            SetupError: a setting is missing or wrong; the sentence names it and never its value.
        """
        given = {name.lower(): value for name, value in (environment or {}).items()}
        known: dict[str, Any] = {name: given[name] for name in cls.model_fields if name in given}
        try:
            settings = cls(**known)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            name = "_".join(str(part) for part in first["loc"]).upper()
            reason = str(first["msg"]).removeprefix("Value error, ")
            problem = "is not set" if first["type"] == "missing" else f"cannot be used: {reason}"
            raise SetupError(f"The setting {name} {problem}. .env.example explains every setting.") from None
        if settings.token_keys_file is None and settings.token_keys is None:
            raise SetupError(
                "The setting TOKEN_KEYS_FILE is not set, and TOKEN_KEYS neither; one of them must give the "
                "key ring. `spotify-insights keys generate` makes one. .env.example explains every setting."
            )
        if settings.token_keys_file is not None and settings.token_keys is not None:
            raise SetupError(
                "The settings TOKEN_KEYS_FILE and TOKEN_KEYS are both set, and there is one key ring only; "
                "leave one of them out."
            )
        return settings
