"""What a source of audio features has to offer to take part in the chain."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from spotify_insights.audio_features.values import AudioFeatures
from spotify_insights.errors import PermanentError


class ProviderUnavailableError(PermanentError):
    """This provider does not serve this installation, however often it is asked.

    An adapter raises it where its source says so in its own words: an endpoint closed to the app, a
    catalogue file that does not exist, a key that was never set.
    """

    code = "audio_features_provider_unavailable"


class AudioFeatureProvider(Protocol):
    """A source of audio features on Spotify's scale, by Spotify track id."""

    @property
    def name(self) -> str:
        """What is stored and shown as the origin; stable, lower case, unique within a chain."""
        ...

    def fetch(self, spotify_ids: Sequence[str], /) -> Mapping[str, AudioFeatures]:
        """Features by track id. An id is absent where the provider does not know the track.

        Called with distinct ids, at least one, of any number: splitting into batches is the
        provider's affair. Safe to repeat.

        Raises:
            ProviderUnavailableError: the provider does not serve this installation.
            TemporaryError: the provider would, but not now.
        """
        ...
