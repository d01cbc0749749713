"""Asking one provider after the other until every feature of every track is known, or nobody is left."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from spotify_insights.audio_features.provider import AudioFeatureProvider, ProviderUnavailableError
from spotify_insights.audio_features.values import AudioFeatures
from spotify_insights.errors import TemporaryError

_NOTHING_KNOWN = AudioFeatures()


@dataclass(frozen=True)
class Filled:
    """What a chain found.

    Attributes:
        told: by provider, then by track id, what it knows; tracks of which it knows nothing are left out.
        asked: by provider the ids that it was asked for and answered. What is not among `told` it does not
            know, and that may be remembered. Who did not answer is not here.
        unavailable: providers that do not serve this installation, by name.
        failed: providers that could not answer now, by name. A `SnoozeError` among them says when
            it makes sense to ask again.
    """

    told: Mapping[str, Mapping[str, AudioFeatures]]
    asked: Mapping[str, Sequence[str]]
    unavailable: Mapping[str, ProviderUnavailableError]
    failed: Mapping[str, TemporaryError]


def fill(ids: Sequence[str], providers: Sequence[AudioFeatureProvider]) -> Filled:
    """Features for as many of the Spotify track `ids` as the `providers`, asked in this order, know.

    A provider is asked only for tracks of which those before it left a feature open. One that is unavailable,
    or fails for a time, is noted and passed over: most providers are other people's servers, and a snapshot
    that states a lower coverage today is worth more than none until the last of them is back.
    Any other error is passed on, because it speaks about the listener's connection or about a fault of ours.

    Repeated ids count once. Safe to repeat.
    """
    so_far = dict.fromkeys(ids, _NOTHING_KNOWN)
    told: dict[str, Mapping[str, AudioFeatures]] = {}
    asked: dict[str, Sequence[str]] = {}
    unavailable: dict[str, ProviderUnavailableError] = {}
    failed: dict[str, TemporaryError] = {}
    for provider in providers:
        incomplete = tuple(track_id for track_id, features in so_far.items() if not features.is_complete)
        if not incomplete:
            break
        try:
            answer = provider.fetch(incomplete)
        except ProviderUnavailableError as error:
            unavailable[provider.name] = error
        except TemporaryError as error:
            failed[provider.name] = error
        else:
            found = _asked_and_known(incomplete, answer)
            told[provider.name] = found
            asked[provider.name] = incomplete
            so_far |= {track_id: so_far[track_id].completed_by(found[track_id]) for track_id in found}
    return Filled(told=told, asked=asked, unavailable=unavailable, failed=failed)


def _asked_and_known(asked: tuple[str, ...], answer: Mapping[str, AudioFeatures]) -> dict[str, AudioFeatures]:
    """Leave out ids nobody asked for, and entries that know nothing."""
    return {
        track_id: answer[track_id]
        for track_id in asked
        if track_id in answer and not answer[track_id].is_empty
    }
