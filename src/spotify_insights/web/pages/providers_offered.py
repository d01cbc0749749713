"""Which other services somebody may sign in with here, and where that begins."""

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode, urlsplit

from spotify_insights.access.principal import Principal
from spotify_insights.access.scopes import UserRole
from spotify_insights.settings import Settings, is_loopback
from spotify_insights.sign_in.redirect_uri import redirect_uri
from spotify_insights.web.pages.sign_in_address import login_address

_TITLES: Final = {"spotify": "Spotify", "listenbrainz": "ListenBrainz"}


@dataclass(frozen=True)
class Offer:
    """One service: its name in addresses, what people call it, what its button says, and where that leads."""

    provider: str
    title: str
    label: str
    href: str


def title_of(provider: str) -> str:
    """What people call this service."""
    return _TITLES[provider]


def start_addresses(
    settings: Settings, *, next_path: str = "/account", invitation: str | None = None
) -> list[Offer]:
    """The ways in through other services, in the order in which they are shown.

    Args:
        invitation: the token of an invitation, which whoever is new uses up.
    """
    wanted = {} if next_path == "/account" else {"next": next_path}
    if invitation is not None:
        wanted["invitation"] = invitation
    by_token = "/auth/listenbrainz" + (f"?{urlencode(wanted)}" if wanted else "")
    offers = [Offer("listenbrainz", "ListenBrainz", "Use a ListenBrainz token", by_token)]
    if settings.spotify_client_id:
        away = login_address("spotify", next_path=next_path, invitation=invitation)
        offers.insert(0, Offer("spotify", "Spotify", "Continue with Spotify", away))
    return offers


def spotify_to_set_up(settings: Settings, viewer: Principal) -> str | None:
    """The redirect URI that the operator registers with Spotify; None for others, and where that is done."""
    may_set_up = settings.auth_mode == "open" or viewer.role is UserRole.ADMIN
    if settings.spotify_client_id or not may_set_up:
        return None
    return redirect_uri(settings.public_url, "spotify")


def listenbrainz_settings(settings: Settings) -> str:
    """Where people find their user token: on the site, or beside the server that plays its part here."""
    address = settings.listenbrainz_api_url.rstrip("/")
    if is_loopback(urlsplit(address).hostname or ""):
        return f"{address}/settings"
    return "https://listenbrainz.org/settings/"
