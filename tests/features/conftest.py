"""An installation in development mode that may ask a pretend ReccoBeats, without waiting between calls."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from operator_trials import Operator
from spotify_insights.audio_features.reccobeats import ReccoBeats
from spotify_insights.database.role import DatabaseRole
from spotify_insights.outbound.pace import OwnPace
from spotify_insights.pretend_spotify.running import RunningPretendSpotify
from spotify_insights.runtime import Runtime
from spotify_insights.settings import Settings
from still_spotify import shared_pretend_spotify
from untouched_logging import untouched_logging

__all__ = ["shared_pretend_spotify"]


@pytest.fixture
def runtime(settings: Settings, pretend_spotify: RunningPretendSpotify) -> Iterator[Runtime]:
    built = Runtime.from_settings(
        settings.model_copy(update={"spotify_mode": "development"}),
        role=DatabaseRole.WORKER,
        process="spotify-insights tests",
    )
    impatient = ReccoBeats(api_url=pretend_spotify.reccobeats_url, pace=OwnPace(timedelta(0)))
    yield replace(built, reccobeats=impatient)
    impatient.close()
    built.close()


@pytest.fixture
def operator(
    settings: Settings, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> Iterator[Operator]:
    """Somebody at a shell whose DATABASE_URL names the tests' database."""
    monkeypatch.setenv("DATABASE_URL", settings.database_url.get_secret_value())
    monkeypatch.chdir(str(tmp_path))
    with untouched_logging():
        yield Operator(capsys, monkeypatch, tmp_path)  # type: ignore[arg-type]
