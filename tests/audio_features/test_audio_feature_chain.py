from collections.abc import Mapping, Sequence
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import override

from spotify_insights.audio_features.chain import Filled, fill
from spotify_insights.audio_features.provider import ProviderUnavailableError
from spotify_insights.audio_features.values import FEATURE_NAMES, AudioFeatures
from spotify_insights.errors import PermanentError, SnoozeError, TemporaryError


class ListedProvider:
    """Knows what it is given, and remembers what it was asked."""

    def __init__(self, name: str, known: Mapping[str, AudioFeatures]) -> None:
        self.name = name
        self.known = known
        self.asked: list[tuple[str, ...]] = []

    def fetch(self, spotify_ids: Sequence[str]) -> Mapping[str, AudioFeatures]:
        self.asked.append(tuple(spotify_ids))
        return {track_id: self.known[track_id] for track_id in spotify_ids if track_id in self.known}


class FailingProvider:
    def __init__(self, name: str, error: Exception) -> None:
        self.name = name
        self.error = error

    def fetch(self, _spotify_ids: Sequence[str], /) -> Mapping[str, AudioFeatures]:
        raise self.error


def whole(value: float) -> AudioFeatures:
    """Every feature is known; with which value does not matter to a chain."""
    return AudioFeatures(**dict.fromkeys(FEATURE_NAMES, value))


CALM, LOUD = whole(0.2), whole(0.9)


def test_the_first_provider_that_knows_a_track_supplies_it() -> None:
    filled = fill(
        ["a", "b", "c"],
        [ListedProvider("catalogue", {"a": CALM}), ListedProvider("spotify", {"a": LOUD, "b": LOUD})],
    )

    assert filled.told == {"catalogue": {"a": CALM}, "spotify": {"b": LOUD}}
    assert filled.asked == {"catalogue": ("a", "b", "c"), "spotify": ("b", "c")}


def test_a_provider_is_asked_only_for_what_is_still_open_and_once_for_each_track() -> None:
    first = ListedProvider("catalogue", {"b": CALM})
    second = ListedProvider("spotify", {"a": CALM, "c": CALM})
    third = ListedProvider("reccobeats", {})

    fill(["a", "b", "a", "c"], [first, second, third])

    assert first.asked == [("a", "b", "c")]
    assert second.asked == [("a", "c")]
    assert third.asked == []


def test_nothing_wanted_asks_nobody() -> None:
    provider = ListedProvider("catalogue", {})

    filled = fill([], [provider])

    assert provider.asked == []
    assert filled == Filled(told={}, asked={}, unavailable={}, failed={})


def test_an_entry_that_knows_nothing_leaves_the_track_to_the_next_provider() -> None:
    filled = fill(
        ["a"], [ListedProvider("catalogue", {"a": AudioFeatures()}), ListedProvider("spotify", {"a": LOUD})]
    )

    assert filled.told == {"catalogue": {}, "spotify": {"a": LOUD}}


def test_a_feature_that_one_provider_leaves_open_is_asked_of_the_next() -> None:
    partly = AudioFeatures(valence=0.7, energy=0.2)
    first = ListedProvider("catalogue", {"a": partly, "b": LOUD})
    second = ListedProvider("reccobeats", {"a": LOUD})

    filled = fill(["a", "b"], [first, second])

    assert second.asked == [("a",)]
    assert filled.told == {"catalogue": {"a": partly, "b": LOUD}, "reccobeats": {"a": LOUD}}


def test_an_unavailable_provider_is_noted_and_the_next_one_asked() -> None:
    closed = ProviderUnavailableError("Spotify offers no audio features to this app.")

    filled = fill(["a", "b"], [FailingProvider("spotify", closed), ListedProvider("catalogue", {"a": CALM})])

    assert filled.told == {"catalogue": {"a": CALM}}
    assert filled.asked == {"catalogue": ("a", "b")}
    assert filled.unavailable == {"spotify": closed}


@pytest.mark.parametrize(
    "failure",
    [
        TemporaryError("The server does not answer."),
        SnoozeError("The server asks us to wait.", wait=timedelta(hours=3)),
    ],
)
def test_who_fails_for_a_time_is_not_taken_for_one_who_knows_nothing(failure: TemporaryError) -> None:
    filled = fill(
        ["a", "b"], [FailingProvider("reccobeats", failure), ListedProvider("spotify", {"a": CALM})]
    )

    assert filled.told == {"spotify": {"a": CALM}}
    assert filled.asked == {"spotify": ("a", "b")}
    assert filled.failed == {"reccobeats": failure}


@pytest.mark.parametrize("error", [PermanentError("Connect Spotify again."), KeyError("a fault of ours")])
def test_an_error_that_is_not_about_the_provider_is_passed_on(error: Exception) -> None:
    with pytest.raises(type(error)) as raised:
        fill(["a"], [FailingProvider("spotify", error), ListedProvider("catalogue", {"a": CALM})])

    assert raised.value is error


def test_tracks_that_nobody_asked_for_are_left_out() -> None:
    class Talkative(ListedProvider):
        @override
        def fetch(self, spotify_ids: Sequence[str]) -> Mapping[str, AudioFeatures]:
            return {**super().fetch(spotify_ids), "z": LOUD}

    filled = fill(["a"], [Talkative("catalogue", {"a": CALM})])

    assert filled.told == {"catalogue": {"a": CALM}}


TRACK_IDS = st.sampled_from("abcdefgh")


@given(wanted=st.lists(TRACK_IDS), knowledge=st.lists(st.sets(TRACK_IDS), max_size=4))
def test_every_wanted_track_is_asked_of_all_up_to_the_first_who_knows_it(
    wanted: list[str], knowledge: list[set[str]]
) -> None:
    providers = [
        ListedProvider(str(place), dict.fromkeys(known, CALM)) for place, known in enumerate(knowledge)
    ]

    filled = fill(wanted, providers)

    for track_id in wanted:
        knowing = [place for place, known in enumerate(knowledge) if track_id in known]
        asked = [place for place in range(len(knowledge)) if track_id in filled.asked.get(str(place), ())]
        told = [place for place in range(len(knowledge)) if track_id in filled.told.get(str(place), {})]
        assert told == knowing[:1]
        assert asked == list(range(knowing[0] + 1 if knowing else len(knowledge)))
