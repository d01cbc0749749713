"""The schedule, as the settings say it."""

from contextlib import suppress
from typing import Final

import pytest
from celery.schedules import crontab
from hypothesis import given
from hypothesis import strategies as st

from spotify_insights.errors import SetupError
from spotify_insights.schedule import schedule_of
from spotify_insights.settings import Settings

CRON_SETTINGS: Final = [name for name in Settings.model_fields if name.endswith("_cron")]


def test_the_schedule_is_the_documented_one(settings: Settings) -> None:
    when = {name: scheduled.when for name, scheduled in schedule_of(settings).items()}

    assert when == {
        "scheduled.ingest_all_users_data": crontab(minute="0", hour="2"),
        "spotify.refresh_expiring_tokens": crontab(minute="0,30"),
        "scheduled.poll_recently_played": crontab(minute="*/5"),
        "scheduled.generate_weekly_summaries": crontab(minute="0"),
        "scheduled.take_calendar_snapshots": crontab(minute="27"),
        "listening.fill_features": crontab(minute="17"),
        "listening.fill_genres": crontab(minute="47"),
        "listening.refresh_histories": crontab(minute="37"),
        "scheduled.cleanup_old_jobs": crontab(minute="0", hour="3", day_of_week="monday"),
        "scheduled.purge_expired_data": crontab(minute="30", hour="3"),
        "scheduled.monitor_failed_jobs": crontab(minute="*/5"),
        "spotify.canary": crontab(),
        "insights.canary": crontab(),
        "scheduled.canary": crontab(),
    }
    assert {name: scheduled.job.task_name for name, scheduled in schedule_of(settings).items()} == {
        name: name for name in when
    }


@pytest.mark.parametrize("setting", CRON_SETTINGS)
def test_every_cron_setting_moves_its_own_jobs_and_no_others(settings: Settings, setting: str) -> None:
    usual = schedule_of(settings)
    moved = schedule_of(settings.model_copy(update={setting: "17 4 1 6 *"}))

    changed = [name for name in usual if moved[name].when != usual[name].when]
    assert len(changed) == (3 if setting == "canary_cron" else 1)
    for name in changed:
        assert moved[name].when == crontab(minute=17, hour=4, day_of_month=1, month_of_year=6)


@pytest.mark.parametrize(
    "expression",
    ["", "daily", "0 2 * *", "0 2 * * * *", "60 * * * *", "* 24 * * *", "0 0 30 2 *", "x * * * *"],
)
def test_a_wrong_cron_setting_is_named_in_one_sentence(settings: Settings, expression: str) -> None:
    for setting in CRON_SETTINGS:
        with pytest.raises(SetupError) as raised:
            schedule_of(settings.model_copy(update={setting: expression}))
        assert raised.value.message == (
            f"The setting {setting.upper()} is not a cron expression such as '0 2 * * *'."
        )


@given(st.lists(st.text("0123456789*/-,x", max_size=3), max_size=6).map(" ".join))
def test_whatever_a_cron_setting_says_it_is_understood_or_refused(expression: str) -> None:
    settings = Settings.model_construct(
        **{name: field.default for name, field in Settings.model_fields.items() if name.endswith("_cron")}
        | {"nightly_ingestion_cron": expression}
    )
    with suppress(SetupError):
        schedule_of(settings)
