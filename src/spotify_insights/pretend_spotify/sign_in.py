"""Signing in at the pretend Spotify without a browser, as a program does it."""

import secrets
from typing import Final
from urllib.parse import parse_qs, urlsplit

from pydantic import BaseModel

from spotify_insights.pretend_spotify.config import PretendSpotifyConfig
from spotify_insights.pretend_spotify.loopback_client import loopback_client
from spotify_insights.pretend_spotify.tokens import challenge_of

LISTENING_SCOPE: Final = "user-top-read user-read-recently-played"


class TokenAnswer(BaseModel):
    """The answer of `/api/token` to a redeemed code; `expires_in` in seconds."""

    access_token: str
    token_type: str
    scope: str
    expires_in: int
    refresh_token: str


def authorization_code(
    base_url: str,
    config: PretendSpotifyConfig,
    *,
    redirect_uri: str,
    scope: str,
    persona: str | None = None,
    challenge: str | None = None,
) -> str:
    """Agree on the authorize page as `persona` (the config's demo persona without one); returns the code.

    Raises httpx2.HTTPStatusError where the pretend Spotify refuses the request.
    """
    form = {
        "client_id": config.client_id,
        "response_type": "code",
        "redirect_uri": redirect_uri,
        "scope": scope,
        "decision": "agree",
        "persona": persona or config.demo_persona,
    }
    if challenge is not None:
        form |= {"code_challenge": challenge, "code_challenge_method": "S256"}
    with loopback_client(base_url) as client:
        response = client.post("/authorize", data=form)
    if not response.has_redirect_location:
        response.raise_for_status()
    return parse_qs(urlsplit(response.headers["location"]).query)["code"][0]


def sign_in(
    base_url: str,
    config: PretendSpotifyConfig,
    *,
    persona: str | None = None,
    scope: str = LISTENING_SCOPE,
) -> TokenAnswer:
    """Tokens for a persona, by the whole code flow with PKCE.

    Each call is an authorization of its own and safe to repeat. Raises httpx2.HTTPStatusError where
    the pretend Spotify refuses.
    """
    verifier = secrets.token_urlsafe(48)
    redirect_uri = config.redirect_uris[0]
    code = authorization_code(
        base_url,
        config,
        redirect_uri=redirect_uri,
        scope=scope,
        persona=persona,
        challenge=challenge_of(verifier),
    )
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": redirect_uri,
        "code_verifier": verifier,
        "client_id": config.client_id,
    }
    if config.client_secret is not None:
        form["client_secret"] = config.client_secret
    with loopback_client(base_url) as client:
        response = client.post("/api/token", data=form)
    return TokenAnswer.model_validate_json(response.raise_for_status().content)
