"""ReccoBeats as it answers, and as it fails: over a real connection to a pretend one."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx2
import pytest
from typing_extensions import override

from reccobeats_trials import PATH, asked_of_reccobeats, known_ids
from spotify_insights.audio_features.errors import ProviderRateLimitedError, ProviderUpstreamError
from spotify_insights.audio_features.provider import ProviderUnavailableError
from spotify_insights.audio_features.reccobeats import ReccoBeats
from spotify_insights.audio_features.values import FEATURE_NAMES
from spotify_insights.outbound.pace import OwnPace
from spotify_insights.pretend_spotify.catalogue import catalogue_of
from spotify_insights.pretend_spotify.faults import (
    CannedAnswer,
    Fault,
    InvalidJson,
    RateLimited,
    ResetMidBody,
    ServerFailure,
    SlowBody,
)
from spotify_insights.pretend_spotify.loopback_client import loopback_client
from spotify_insights.pretend_spotify.running import RunningPretendSpotify

UNKNOWN = ["0" * 22, "Z" * 22]


@pytest.fixture
def provider(pretend_spotify: RunningPretendSpotify) -> Iterator[ReccoBeats]:
    """It waits neither long nor between calls."""
    built = ReccoBeats(
        api_url=pretend_spotify.reccobeats_url,
        total_limit=timedelta(seconds=1),
        pace=OwnPace(timedelta(0)),
    )
    yield built
    built.close()


def test_what_it_knows_is_told_by_spotify_id_and_what_it_does_not_know_is_left_out(
    provider: ReccoBeats, pretend_spotify: RunningPretendSpotify
) -> None:
    known = known_ids(4)
    pretend_spotify.control.change(tracks_without_features=known[3:])

    told = provider.fetch([UNKNOWN[0], *known, UNKNOWN[1]])

    tracks = catalogue_of(pretend_spotify.config.seed).tracks
    assert told.keys() == set(known[:3])
    for track_id, features in told.items():
        original = asdict(tracks[track_id].features)
        assert features.model_dump() == {name: original[name] for name in FEATURE_NAMES}


def test_many_ids_are_asked_for_in_calls_that_it_accepts(
    provider: ReccoBeats, pretend_spotify: RunningPretendSpotify
) -> None:
    ids = known_ids(75)

    told = provider.fetch(ids)

    assert told.keys() == set(ids)
    assert [len(asked) for asked in asked_of_reccobeats(pretend_spotify)] == [30, 30, 15]
    assert [track_id for asked in asked_of_reccobeats(pretend_spotify) for track_id in asked] == ids


@pytest.mark.parametrize(("ids", "status"), [(0, 400), (1, 200), (40, 200), (41, 400)])
def test_the_pretend_one_is_as_strict_as_the_real_one(
    pretend_spotify: RunningPretendSpotify, ids: int, status: int
) -> None:
    with loopback_client(pretend_spotify.reccobeats_url) as client:
        answer = client.get("/v1/audio-features", params=[("ids", track_id) for track_id in known_ids(ids)])
    assert answer.status_code == status


def test_ids_that_spotify_cannot_have_given_are_not_asked_for(
    provider: ReccoBeats, pretend_spotify: RunningPretendSpotify
) -> None:
    assert provider.fetch(["track:17", "", "é" * 22, "0" * 21]) == {}
    assert asked_of_reccobeats(pretend_spotify) == []


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "17"}, (17, 17)),
        ({"Retry-After": format_datetime(datetime.now(UTC) + timedelta(hours=2), usegmt=True)}, (7000, 7200)),
        ({}, (60, 60)),
        ({"Retry-After": "soon"}, (60, 60)),
        ({"Retry-After": "999999999"}, (86400, 86400)),
    ],
)
def test_when_it_asks_for_a_pause_its_length_is_told(
    provider: ReccoBeats,
    pretend_spotify: RunningPretendSpotify,
    headers: dict[str, str],
    seconds: tuple[int, int],
) -> None:
    pretend_spotify.control.queue(CannedAnswer(path=PATH, status=429, headers=headers))

    with pytest.raises(ProviderRateLimitedError) as raised:
        provider.fetch(known_ids(1))

    assert seconds[0] <= raised.value.wait.total_seconds() <= seconds[1]


@pytest.mark.parametrize(
    "fault",
    [
        ServerFailure(path=PATH),
        InvalidJson(path=PATH),
        ResetMidBody(path=PATH),
        SlowBody(path=PATH, seconds=20),
        *(
            CannedAnswer(path=PATH, status=status, body=body)
            for status, body in [
                (200, ""),
                (200, "<html>Maintenance</html>"),
                (200, "[]"),
                (200, '{"content": {"a": 1}}'),
                (200, '{"content": [7]}'),
                (200, '{"content": [{"href": 5, "energy": 0.5}, {"energy": 0.5}]}'),
                (200, '{"content": [{"href": "https://[open", "energy": 0.5}]}'),
                (200, '{"content": ' + "[" * 100_000),
                (200, '{"content": [' + " " * 300_000 + "]}"),
                (302, ""),
                (204, ""),
            ]
        ),
    ],
    ids=lambda fault: f"{fault.kind} {getattr(fault, 'body', '')[:24]}",
)
def test_an_answer_that_cannot_be_used_is_a_failure_that_passes(
    provider: ReccoBeats, pretend_spotify: RunningPretendSpotify, fault: Fault
) -> None:
    pretend_spotify.control.queue(fault)

    with pytest.raises(ProviderUpstreamError, match="ReccoBeats is not answering as it should"):
        provider.fetch(known_ids(2))

    assert provider.fetch(known_ids(2)).keys() == set(known_ids(2))


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
def test_a_refusal_says_that_asking_again_does_not_help(
    provider: ReccoBeats, pretend_spotify: RunningPretendSpotify, status: int
) -> None:
    pretend_spotify.control.queue(CannedAnswer(path=PATH, status=status))

    with pytest.raises(ProviderUnavailableError, match="RECCOBEATS=off"):
        provider.fetch(known_ids(1))


class Refusing(httpx2.BaseTransport):
    """Knows every track, and refuses each call that asks for one of `disliked`; notes what it is asked."""

    def __init__(self, disliked: Iterable[str], status: int = 400) -> None:
        self._disliked = frozenset(disliked)
        self._status = status
        self.calls: list[list[str]] = []

    @override
    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        ids = request.url.params.get_list("ids")
        self.calls.append(ids)
        if self._disliked.intersection(ids):
            return httpx2.Response(self._status)
        entries = [{"href": f"https://open.spotify.com/track/{each}", "energy": 0.5} for each in ids]
        return httpx2.Response(200, json={"content": entries})


def an_id(number: int) -> str:
    return f"{number:022}"


@pytest.mark.parametrize("disliked", [[0], [29], [44], [0, 1], [31, 37, 59], [4, 33]])
@pytest.mark.parametrize("status", [400, 404, 422])
def test_one_id_that_it_dislikes_keeps_no_other_from_being_told(disliked: list[int], status: int) -> None:
    ids = [an_id(number) for number in range(65)]
    refusing = Refusing((ids[number] for number in disliked), status)

    told = ReccoBeats(transport=refusing, pace=OwnPace(timedelta(0))).fetch(ids)

    assert told.keys() == set(ids) - {ids[number] for number in disliked}
    # Three calls without it; each of those ids costs at most five halvings, of two calls each.
    assert len(refusing.calls) <= 3 + 10 * len(disliked)


@pytest.mark.parametrize(("ids", "calls"), [(1, 1), (2, 3), (30, 13), (600, 13)])
def test_who_refuses_everything_is_soon_left_alone(ids: int, calls: int) -> None:
    asked = [an_id(number) for number in range(ids)]
    refusing = Refusing(asked)

    with pytest.raises(ProviderUnavailableError, match="RECCOBEATS=off"):
        ReccoBeats(transport=refusing, pace=OwnPace(timedelta(0))).fetch(asked)

    assert len(refusing.calls) == calls


def test_a_refusal_of_ourselves_is_not_tried_again_in_halves() -> None:
    asked = [an_id(number) for number in range(60)]
    refusing = Refusing(asked, 403)

    with pytest.raises(ProviderUnavailableError):
        ReccoBeats(transport=refusing, pace=OwnPace(timedelta(0))).fetch(asked)

    assert len(refusing.calls) == 1


def test_who_is_overloaded_may_say_until_when(
    provider: ReccoBeats, pretend_spotify: RunningPretendSpotify
) -> None:
    pretend_spotify.control.queue(CannedAnswer(path=PATH, status=503, headers={"Retry-After": "120"}))

    with pytest.raises(ProviderRateLimitedError) as raised:
        provider.fetch(known_ids(1))

    assert raised.value.wait == timedelta(seconds=120)


@pytest.mark.parametrize("status", [408, 425, 503])
def test_a_call_at_the_wrong_moment_is_a_failure_that_passes(
    provider: ReccoBeats, pretend_spotify: RunningPretendSpotify, status: int
) -> None:
    pretend_spotify.control.queue(CannedAnswer(path=PATH, status=status))

    with pytest.raises(ProviderUpstreamError):
        provider.fetch(known_ids(1))


def test_values_that_cannot_be_are_unknown_and_the_others_count(
    provider: ReccoBeats, pretend_spotify: RunningPretendSpotify
) -> None:
    [some, other, nothing, *_] = known_ids(9)
    entries: list[dict[str, Any]] = [
        {"href": f"https://open.spotify.com/track/{some}/", "valence": 1.01, "energy": -0.01, "tempo": 0}
        | {
            "loudness": 1e300,
            "danceability": "0.5",
            "liveness": True,
            "speechiness": None,
            "acousticness": 1,
        },
        {"href": f"https://open.spotify.com/intl-de/track/{other}?si=1", "energy": 0, "tempo": 119.98},
        {"href": f"https://open.spotify.com/track/{nothing}", "tempo": float("nan"), "energy": 10**400},
        {"href": f"https://open.spotify.com/track/{UNKNOWN[0]}", "energy": 0.5},
        {"href": "https://open.spotify.com/track/short", "energy": 0.5},
    ]
    pretend_spotify.control.queue(
        CannedAnswer(path=PATH, status=200, body=json.dumps({"content": entries, "more": 1}))
    )

    told = provider.fetch([some, other, nothing])

    assert {track_id: features.model_dump(exclude_none=True) for track_id, features in told.items()} == {
        some: {"acousticness": 1.0},
        other: {"energy": 0.0, "tempo": 119.98},
    }


def test_nothing_is_asked_twice_after_a_refusal_in_the_middle(
    provider: ReccoBeats, pretend_spotify: RunningPretendSpotify
) -> None:
    pretend_spotify.control.queue(RateLimited(path=PATH, retry_after=9))

    with pytest.raises(ProviderRateLimitedError):
        provider.fetch(known_ids(60))

    assert len(asked_of_reccobeats(pretend_spotify)) == 1
