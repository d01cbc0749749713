"""Every provider of this installation. A further one is a module beside these, and a line here."""

from dataclasses import dataclass

from spotify_insights.sign_in.providers.listenbrainz import ListenBrainzProvider
from spotify_insights.sign_in.providers.provider import RedirectProvider, TokenProvider
from spotify_insights.sign_in.providers.spotify import SpotifyProvider


@dataclass(frozen=True)
class Providers:
    """By name. Threads may share it."""

    by_redirect: dict[str, RedirectProvider]
    by_token: dict[str, TokenProvider]


def providers_of(spotify: SpotifyProvider, listenbrainz: ListenBrainzProvider) -> Providers:
    """Those that we know."""
    return Providers(by_redirect={spotify.name: spotify}, by_token={listenbrainz.name: listenbrainz})
