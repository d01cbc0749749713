"""Retention and thresholds are what the operator set."""

from dataclasses import fields
from datetime import timedelta

import pytest

from spotify_insights.errors import SetupError
from spotify_insights.jobs.upkeep.retention import Retention
from spotify_insights.jobs.upkeep.thresholds import Thresholds
from spotify_insights.settings import Settings

NEEDED = {
    "DATABASE_URL": "postgresql://127.0.0.1/insights",
    "REDIS_URL": "redis://127.0.0.1:6379/0",
    "TOKEN_KEYS_FILE": "/nowhere/keys.json",
}


def test_every_retention_is_a_setting() -> None:
    settings = Settings.from_environment(
        NEEDED
        | {
            "JOB_RETENTION_DAYS": "11",
            "FAILED_JOB_RETENTION_DAYS": "12",
            "DEAD_JOB_RETENTION_DAYS": "13",
            "SCHEDULE_SLOT_RETENTION_DAYS": "14",
            "ALERT_RETENTION_DAYS": "15",
        }
    )
    assert Retention.from_settings(settings) == Retention(
        finished_job_days=11, failed_job_days=12, dead_job_days=13, slot_days=14, alert_days=15
    )


def test_every_threshold_is_a_setting() -> None:
    settings = Settings.from_environment(
        NEEDED
        | {
            "ALERT_FAILURE_PERCENT": "11",
            "ALERT_FAILURE_WINDOW_MINUTES": "12",
            "ALERT_FAILURE_MINIMUM_JOBS": "13",
            "ALERT_DEAD_DAYS": "14",
            "ALERT_WAITING_MINUTES": "15",
            "ALERT_SILENT_MINUTES": "16",
        }
    )
    assert Thresholds.from_settings(settings) == Thresholds(
        failure_percent=11,
        failure_window=timedelta(minutes=12),
        failure_minimum_jobs=13,
        dead_window=timedelta(days=14),
        waiting=timedelta(minutes=15),
        silent=timedelta(minutes=16),
    )


def test_without_settings_dead_jobs_stay_longest() -> None:
    kept = Retention.from_settings(Settings.from_environment(NEEDED))
    longest = max(getattr(kept, field.name) for field in fields(kept) if field.name.endswith("_days"))
    assert kept.dead_job_days == longest
    assert kept == Retention()


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("ALERT_FAILURE_PERCENT", "0"),
        ("ALERT_FAILURE_PERCENT", "101"),
        ("ALERT_SILENT_MINUTES", "0"),
        ("DEAD_JOB_RETENTION_DAYS", "0"),
        # Sooner than a weekly summary ceases to be due.
        ("JOB_RETENTION_DAYS", "3"),
        ("FAILED_JOB_RETENTION_DAYS", "3"),
        # Beyond the calendar of PostgreSQL.
        ("JOB_RETENTION_DAYS", "9999999"),
    ],
)
def test_what_makes_no_sense_is_refused(setting: str, value: str) -> None:
    with pytest.raises(SetupError, match=f"The setting {setting} cannot be used"):
        Settings.from_environment(NEEDED | {setting: value})
