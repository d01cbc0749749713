"""Genres from ListenBrainz, where an operator wants them: of artists of whom Spotify tells none."""

import json
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from feature_trials import play
from ingestions import count
from job_trials import enqueued
from jobs_inline import job_row
from makers import a_user
from passing_pace import PaceClock
from passing_time import let_delays_pass
from spotify_insights.database.actor import SYSTEM
from spotify_insights.jobs.models import BackgroundJob
from spotify_insights.jobs.run import run_job
from spotify_insights.listenbrainz.errors import (
    ArtistRefusedError,
    GenresUnavailableError,
    ListenBrainzRateLimitedError,
    ListenBrainzUpstreamError,
)
from spotify_insights.listenbrainz.genres import ListenBrainzGenres
from spotify_insights.listening.catalogue import ArtistEntry, TrackEntry, store_artists, store_tracks
from spotify_insights.listening.genres.fill import REFUSALS_OF_US, fill_genres
from spotify_insights.listening.genres.jobs import FillGenres
from spotify_insights.listening.genres.store import genres_told
from spotify_insights.outbound.pace import OwnPace
from spotify_insights.pretend_spotify.catalogue import Artist, Track, catalogue_of
from spotify_insights.pretend_spotify.faults import CannedAnswer, InvalidJson, RateLimited, ServerFailure
from spotify_insights.pretend_spotify.running import RunningPretendSpotify
from spotify_insights.runtime import Runtime

PATH = "/listenbrainz/1/metadata/*"


@pytest.fixture
def provider(pretend_spotify: RunningPretendSpotify) -> Iterator[ListenBrainzGenres]:
    built = ListenBrainzGenres(
        api_url=pretend_spotify.listenbrainz_url,
        total_limit=timedelta(seconds=1),
        pace=OwnPace(timedelta(0)),
    )
    yield built
    built.close()


def artists(number: int) -> list[Artist]:
    return list(catalogue_of(1).artists.values())[:number]


def a_track_of(artist: Artist) -> Track:
    return catalogue_of(1).tracks_of_artist[artist.id][0]


def stored(runtime: Runtime, performers: list[Artist], *, plays: list[int]) -> UUID:
    """Somebody who played a track of each artist so often; Spotify tells no genres."""
    user_id = a_user(runtime)
    for performer, times in zip(performers, plays, strict=True):
        track = a_track_of(performer)
        entry = ArtistEntry(performer.id, performer.name)
        with runtime.database.transaction(acting_for=SYSTEM) as tx:
            keys = store_artists(tx.session, [entry], source="spotify_api")
            told = TrackEntry(track.id, track.name, (entry,), None, None, None, None, None)
            track_keys = store_tracks(tx.session, [told], keys, source="spotify_api")
        play(runtime.database, user_id, track_keys[track.id], times=times, days_ago=3)
    return user_id


def filled(runtime: Runtime, provider: ListenBrainzGenres | None) -> BackgroundJob:
    job_id = enqueued(runtime.database, FillGenres())
    handler = partial(fill_genres, provider=provider)
    with suppress(ListenBrainzRateLimitedError):
        run_job(runtime.database, job_id, FillGenres, handler)
    return job_row(runtime.database, job_id)


def asked(pretend_spotify: RunningPretendSpotify) -> list[str]:
    return [
        request.query["artist_name"]
        for request in pretend_spotify.control.requests()
        if request.path.startswith("/listenbrainz/1/metadata/")
    ]


def told(runtime: Runtime, performers: list[Artist]) -> dict[str, tuple[str, ...]]:
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        return genres_told(tx.session, [each.id for each in performers])


def test_only_what_musicbrainz_takes_for_a_genre_is_told_the_most_usual_first(
    provider: ListenBrainzGenres,
) -> None:
    for artist in artists(12):
        assert provider.genres_of(artist.name, title=a_track_of(artist).name) == artist.genres
    assert provider.genres_of("Nobody of that name", title="Song") == ()


def an_answer(name: str, *tags: dict[str, Any]) -> str:
    credited = [{"artist_mbid": "m", "name": name}]
    return json.dumps({"metadata": {"artist": {"artists": credited}, "tag": {"artist": tags}}})


GENRE = {"artist_mbid": "m", "genre_mbid": "g", "count": 3}


@pytest.mark.parametrize(
    ("body", "genres"),
    [
        (an_answer("Robin", {**GENRE, "tag": "Dub"}, {**GENRE, "tag": "ska", "count": 9}), ("ska", "dub")),
        (an_answer("ROBIN", {**GENRE, "tag": "dub"}, {**GENRE, "tag": "DUB", "count": 1}), ("dub",)),
        (an_answer("Robin Hood", {**GENRE, "tag": "dub"}), ()),
        (an_answer("Robin", {**GENRE, "tag": "dub", "artist_mbid": "other"}), ()),
        (an_answer("Robin", {**GENRE, "tag": "dub", "count": 0}), ()),
        (
            an_answer("Robin", *({**GENRE, "tag": f"g{each}", "count": each} for each in range(9))),
            ("g8", "g7", "g6", "g5", "g4"),
        ),
        ("{}", ()),
    ],
)
def test_the_genres_are_those_of_this_artist(
    provider: ListenBrainzGenres, pretend_spotify: RunningPretendSpotify, body: str, genres: tuple[str, ...]
) -> None:
    pretend_spotify.control.queue(CannedAnswer(path=PATH, status=200, body=body))

    assert provider.genres_of("Robin", title="Song") == genres


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (ServerFailure(path=PATH), ListenBrainzUpstreamError),
        (InvalidJson(path=PATH), ListenBrainzUpstreamError),
        (CannedAnswer(path=PATH, status=200, body="[]"), ListenBrainzUpstreamError),
        (CannedAnswer(path=PATH, status=200, body=an_answer("a", {"tag": "x\0"})), ListenBrainzUpstreamError),
        (CannedAnswer(path=PATH, status=401), GenresUnavailableError),
        (CannedAnswer(path=PATH, status=403), GenresUnavailableError),
        (CannedAnswer(path=PATH, status=400), ArtistRefusedError),
        (CannedAnswer(path=PATH, status=414), ArtistRefusedError),
        (CannedAnswer(path=PATH, status=408), ListenBrainzUpstreamError),
        (RateLimited(path=PATH, retry_after=7), ListenBrainzRateLimitedError),
    ],
)
def test_every_failure_has_its_name(
    provider: ListenBrainzGenres,
    pretend_spotify: RunningPretendSpotify,
    fault: ServerFailure,
    error: type[Exception],
) -> None:
    pretend_spotify.control.queue(fault)

    with pytest.raises(error):
        provider.genres_of("Robin", title="Song")


def test_the_most_played_artists_are_asked_for_first_and_again_after_ninety_days(
    runtime: Runtime, pretend_spotify: RunningPretendSpotify, provider: ListenBrainzGenres
) -> None:
    some = artists(3)
    stored(runtime, some, plays=[2, 5, 3])
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        renamed = text("UPDATE tracks SET name = 'unknown' WHERE spotify_id = :spotify_id")
        tx.session.execute(renamed, {"spotify_id": a_track_of(some[0]).id})

    assert filled(runtime, provider).result == {"asked": 3, "found": 2, "stopped": None}

    assert asked(pretend_spotify) == [some[1].name, some[2].name, some[0].name]
    assert told(runtime, some) == {each.id: each.genres for each in some[1:]}
    assert filled(runtime, provider).result == {"asked": 0, "found": 0, "stopped": None}
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        tx.session.execute(text("UPDATE artist_genres SET fetched_at = fetched_at - interval '90 d'"))
    assert filled(runtime, provider).result == {"asked": 3, "found": 2, "stopped": None}


def test_what_spotify_tells_counts_and_is_not_asked_for(
    runtime: Runtime, pretend_spotify: RunningPretendSpotify, provider: ListenBrainzGenres
) -> None:
    first, second = artists(2)
    stored(runtime, [first, second], plays=[1, 1])
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        store_artists(tx.session, [ArtistEntry(first.id, first.name, ("jazz",))], source="spotify_api")

    filled(runtime, provider)

    assert asked(pretend_spotify) == [second.name]


def test_an_interrupted_job_goes_on_where_it_was(
    runtime: Runtime,
    pretend_spotify: RunningPretendSpotify,
    provider: ListenBrainzGenres,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = PaceClock.kept_by(monkeypatch)
    some = artists(3)
    stored(runtime, some, plays=[3, 2, 1])
    body = CannedAnswer(path=PATH, status=200, body="{}")
    pretend_spotify.control.queue(body, RateLimited(path=PATH, retry_after=60))

    assert filled(runtime, provider).status == "queued"
    assert count(runtime.database, "artist_genres") == 1
    let_delays_pass(runtime.database)
    clock.now += 60
    assert filled(runtime, provider).result == {"asked": 2, "found": 2, "stopped": None}


REFUSAL = CannedAnswer(path=PATH, status=400)
ANSWER = CannedAnswer(path=PATH, status=200, body="{}")


def test_refused_artists_are_unknown_and_the_others_are_told(
    runtime: Runtime, pretend_spotify: RunningPretendSpotify, provider: ListenBrainzGenres
) -> None:
    some = artists(9)
    stored(runtime, some, plays=list(range(9, 0, -1)))
    most = [REFUSAL] * (REFUSALS_OF_US - 1)
    # As many as there may be in a row at the beginning and, after an answer, at the end.
    pretend_spotify.control.queue(*most, ANSWER, *most)

    assert filled(runtime, provider).result == {"asked": 9, "found": 0, "stopped": None}

    assert filled(runtime, provider).result == {"asked": 0, "found": 0, "stopped": None}
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        tx.session.execute(text("UPDATE artist_genres SET fetched_at = fetched_at - interval '90 d'"))
    assert filled(runtime, provider).result == {"asked": 9, "found": 9, "stopped": None}


def test_several_refusals_in_a_row_are_about_us_and_say_nothing_of_the_artists(
    runtime: Runtime, pretend_spotify: RunningPretendSpotify, provider: ListenBrainzGenres
) -> None:
    some = artists(8)
    stored(runtime, some, plays=list(range(8, 0, -1)))
    pretend_spotify.control.queue(ANSWER, *[REFUSAL] * REFUSALS_OF_US)

    result = filled(runtime, provider).result

    assert result is not None
    assert (result["asked"], result["found"]) == (1, 0)
    assert "status 400" in str(result["stopped"])
    assert len(asked(pretend_spotify)) == 1 + REFUSALS_OF_US
    assert filled(runtime, provider).result == {"asked": 7, "found": 7, "stopped": None}
    assert told(runtime, some) == {each.id: each.genres for each in some[1:]}


def test_by_default_nobody_is_asked(runtime: Runtime) -> None:
    assert runtime.genres is None
    stored(runtime, artists(1), plays=[1])

    result = filled(runtime, None).result

    assert result == {"asked": 0, "found": 0, "stopped": "Nobody may be asked."}
