"""Several processes, one address: a refusal of one stops all, and nobody is asked meanwhile."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from pydantic import SecretStr

from passing_pace import PaceClock
from reccobeats_trials import PATH, asked_of_reccobeats, known_ids
from spotify_insights.audio_features.errors import ProviderRateLimitedError
from spotify_insights.database.role import DatabaseRole
from spotify_insights.listenbrainz.errors import ListenBrainzRateLimitedError
from spotify_insights.pretend_spotify.faults import RateLimited
from spotify_insights.pretend_spotify.running import RunningPretendSpotify
from spotify_insights.runtime import Runtime
from spotify_insights.settings import Settings

A_MINUTE = timedelta(minutes=1)


@pytest.fixture
def processes(settings: Settings) -> Iterator[tuple[Runtime, Runtime]]:
    """A worker and an API of one installation that may ask everybody."""
    everybody = settings.model_copy(update={"reccobeats": "on", "genre_tags": "on"})
    worker = Runtime.from_settings(everybody, role=DatabaseRole.WORKER)
    api = Runtime.from_settings(everybody, role=DatabaseRole.API)
    yield worker, api
    worker.close()
    api.close()


def test_what_refuses_one_process_is_asked_by_none(
    processes: tuple[Runtime, Runtime],
    pretend_spotify: RunningPretendSpotify,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = PaceClock.kept_by(monkeypatch)
    one, other = (process.reccobeats for process in processes)
    assert one is not None
    assert other is not None
    assert other.fetch(known_ids(1))
    pretend_spotify.control.queue(RateLimited(path=PATH, retry_after=60))

    for provider in (one, other, one):
        with pytest.raises(ProviderRateLimitedError) as refused:
            provider.fetch(known_ids(1))
        assert timedelta(0) < refused.value.wait <= A_MINUTE

    assert len(asked_of_reccobeats(pretend_spotify)) == 2
    # The first call of the one kept apart from that of the other.
    assert len(clock.slept) == 1


def test_who_signs_in_and_who_asks_for_genres_are_one_to_listenbrainz(
    processes: tuple[Runtime, Runtime], pretend_spotify: RunningPretendSpotify
) -> None:
    worker, api = processes
    assert worker.genres is not None
    pretend_spotify.control.queue(RateLimited(path="/listenbrainz/*", retry_after=60))

    with pytest.raises(ListenBrainzRateLimitedError):
        worker.genres.genres_of("Somebody", title="Something")
    with pytest.raises(ListenBrainzRateLimitedError) as refused:
        api.listenbrainz.user_name_of(SecretStr("token"))

    assert timedelta(0) < refused.value.wait <= A_MINUTE
    paths = [request.path for request in pretend_spotify.control.requests()]
    assert [path for path in paths if path.startswith("/listenbrainz/")] == [
        "/listenbrainz/1/metadata/lookup/"
    ]
