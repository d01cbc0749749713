"""What can go wrong with a provider of audio features, each with a sentence for people."""

from datetime import timedelta

from spotify_insights.errors import ProductError, SnoozeError, TemporaryError


class AudioFeatureError(ProductError):
    """Any situation that a provider of audio features, or the way to it, has put us in."""

    code = "audio_features"


class ProviderRateLimitedError(AudioFeatureError, SnoozeError):
    """Too many calls from this address; `wait` is how long to stay away."""

    code = "audio_features_rate_limited"

    def __init__(self, provider: str, *, wait: timedelta) -> None:
        super().__init__(f"{provider} asks us to slow down; this goes on by itself.", wait=wait)


class ProviderUpstreamError(AudioFeatureError, TemporaryError):
    """The provider, or the way to it, failed; `detail` says which in a few words."""

    code = "audio_features_upstream"

    def __init__(self, provider: str, *, detail: str) -> None:
        super().__init__(
            f"{provider} is not answering as it should ({detail}). It is asked again later; if this stays, "
            "the operator can switch it off."
        )
        self.detail = detail
