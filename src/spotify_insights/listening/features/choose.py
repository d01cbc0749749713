"""Which provider's word counts: decided for each feature of a track by itself, by the order of PROVIDERS."""

from collections.abc import Mapping

from spotify_insights.audio_features.values import FEATURE_NAMES, AudioFeatures
from spotify_insights.listening.analytics.columns import PROVIDERS
from spotify_insights.listening.take_snapshot import SuppliedFeatures

Told = Mapping[str, AudioFeatures]
"""What each provider says of one track, by the provider's name."""


def choose(told: Told) -> SuppliedFeatures:
    """Each feature from the first provider of PROVIDERS that knows it; unknown where none does.

    A provider without a place in that order is not listened to.
    """
    values: dict[str, float] = {}
    providers: dict[str, str] = {}
    for provider in reversed(PROVIDERS):
        for name in FEATURE_NAMES:
            value = getattr(told.get(provider), name, None)
            if value is not None:
                values[name] = value
                providers[name] = provider
    return SuppliedFeatures(features=AudioFeatures(**values), providers=providers)


def told_before(told: Told, provider: str) -> AudioFeatures:
    """What those with a place before `provider` know together: asking it adds nothing to that."""
    earlier = PROVIDERS[: PROVIDERS.index(provider)]
    return choose({name: told[name] for name in earlier if name in told}).features
