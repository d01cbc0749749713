"""Asking one provider after the other until every track has audio features, or nobody is left."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from spotify_insights.audio_features.provider import AudioFeatureProvider, ProviderUnavailableError
from spotify_insights.audio_features.values import AudioFeatures
from spotify_insights.errors import TemporaryError

_NOTHING_KNOWN = AudioFeatures()


@dataclass(frozen=True)
class Filled:
    """What a chain found; `features` and `supplied_by` have the same keys.

    Attributes:
        features: by track id, each whole from one provider, so that scales are never mixed in a track.
        supplied_by: the provider's name by track id.
        missing: ids without features, in the order asked. Only `missing_for_good` tells whether
            they may be remembered as unknown.
        unavailable: providers that do not serve this installation, by name.
        failed: providers that could not answer now, by name. A `SnoozeError` among them says when
            it makes sense to ask again.
    """

    features: Mapping[str, AudioFeatures]
    supplied_by: Mapping[str, str]
    missing: tuple[str, ...]
    unavailable: Mapping[str, ProviderUnavailableError]
    failed: Mapping[str, TemporaryError]

    @property
    def missing_for_good(self) -> bool:
        """Whether what is `missing` may be remembered as unknown to every provider that serves us.

        False after a failure: what is missing then may be there tomorrow.
        """
        return not self.failed


def fill(ids: Sequence[str], providers: Sequence[AudioFeatureProvider]) -> Filled:
    """Features for as many of the Spotify track `ids` as the `providers`, asked in this order, know.

    A provider is asked only for what those before it left open. One that is unavailable, or fails for
    a time, is noted and passed over: most providers are other people's servers, and a snapshot that
    states a lower coverage today is worth more than none until the last of them is back. Any other
    error is passed on, because it speaks about the listener's connection or about a fault of ours.

    Repeated ids count once. Safe to repeat.
    """
    wanted = tuple(dict.fromkeys(ids))
    features: dict[str, AudioFeatures] = {}
    supplied_by: dict[str, str] = {}
    unavailable: dict[str, ProviderUnavailableError] = {}
    failed: dict[str, TemporaryError] = {}
    for provider in providers:
        missing = _without(wanted, features)
        if not missing:
            break
        try:
            answer = provider.fetch(missing)
        except ProviderUnavailableError as error:
            unavailable[provider.name] = error
        except TemporaryError as error:
            failed[provider.name] = error
        else:
            found = _asked_and_known(missing, answer)
            features |= found
            supplied_by |= dict.fromkeys(found, provider.name)
    return Filled(
        features=features,
        supplied_by=supplied_by,
        missing=_without(wanted, features),
        unavailable=unavailable,
        failed=failed,
    )


def _without(wanted: tuple[str, ...], features: Mapping[str, AudioFeatures]) -> tuple[str, ...]:
    return tuple(track_id for track_id in wanted if track_id not in features)


def _asked_and_known(
    missing: tuple[str, ...], answer: Mapping[str, AudioFeatures]
) -> dict[str, AudioFeatures]:
    """Leave out ids nobody asked for, and entries that know nothing: the next provider may know more."""
    return {
        track_id: answer[track_id]
        for track_id in missing
        if track_id in answer and answer[track_id] != _NOTHING_KNOWN
    }
