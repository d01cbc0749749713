"""`/authorize`: the page on which a user lets an app in, and what follows from their answer.

https://developer.spotify.com/documentation/web-api/tutorials/code-pkce-flow
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from spotify_insights.pretend_spotify.authorize_page import PAGE_POLICY, render_authorize_page
from spotify_insights.pretend_spotify.config import PretendSpotifyConfig
from spotify_insights.pretend_spotify.failures import AuthorizePageError
from spotify_insights.pretend_spotify.state import fields_of, state_of
from spotify_insights.pretend_spotify.token_endpoint import form_of
from spotify_insights.pretend_spotify.tokens import SCOPES, Consent

_LOOPBACK: Final = frozenset({"127.0.0.1", "::1"})
_SEE_OTHER: Final = 303
# SHA-256 in base64url without padding always has 43 characters.
_CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """A request to `/authorize` that passed every check."""

    redirect_uri: str
    scopes: tuple[str, ...]
    state: str | None
    challenge: str | None

    @classmethod
    def checked(cls, fields: Mapping[str, str], config: PretendSpotifyConfig) -> Self:
        """Raises AuthorizePageError: with a wrong client or address, a redirect would go to a stranger."""
        if fields.get("client_id") != config.client_id:
            raise AuthorizePageError("INVALID_CLIENT: Invalid client")
        redirect_uri = fields.get("redirect_uri", "")
        if not any(_matches(registered, redirect_uri) for registered in config.redirect_uris):
            raise AuthorizePageError("INVALID_CLIENT: Invalid redirect URI")
        if fields.get("response_type") != "code":
            raise AuthorizePageError("INVALID_REQUEST: response_type must be code")
        scopes = tuple(fields.get("scope", "").split())
        if not set(scopes) <= set(SCOPES):
            raise AuthorizePageError("INVALID_SCOPE: Invalid scope")
        challenge = fields.get("code_challenge")
        if challenge is None and config.client_secret is None:
            raise AuthorizePageError("INVALID_REQUEST: code_challenge must be supplied")
        if challenge is not None:
            if fields.get("code_challenge_method") != "S256":
                raise AuthorizePageError("INVALID_REQUEST: code_challenge_method must be S256")
            if not _CHALLENGE.fullmatch(challenge):
                raise AuthorizePageError("INVALID_REQUEST: code_challenge is not a SHA-256 challenge")
        return cls(redirect_uri, scopes, fields.get("state"), challenge)

    def redirect(self, **answer: str) -> Response:
        if self.state is not None:
            answer["state"] = self.state
        joint = "&" if urlsplit(self.redirect_uri).query else "?"
        return RedirectResponse(f"{self.redirect_uri}{joint}{urlencode(answer)}", _SEE_OTHER)


def _matches(registered: str, given: str) -> bool:
    """Exactly equal, except that a loopback address registered without a port allows any.

    https://developer.spotify.com/documentation/web-api/concepts/redirect_uri
    """
    if registered == given:
        return True
    try:
        wanted, actual = urlsplit(registered), urlsplit(given)
        if wanted.hostname not in _LOOPBACK or wanted.port is not None or actual.port is None:
            return False
    except ValueError:
        return False
    return given == registered.replace(wanted.netloc, f"{wanted.netloc}:{actual.port}", 1)


async def _show(request: Request) -> Response:
    state = state_of(request)
    fields = fields_of(parse_qsl(request.url.query, keep_blank_values=True))
    asked = AuthorizationRequest.checked(fields, state.config)
    page = render_authorize_page(
        fields,
        scopes=asked.scopes,
        client_id=state.config.client_id,
        chosen_persona=state.config.demo_persona,
    )
    return HTMLResponse(page, headers={"Content-Security-Policy": PAGE_POLICY, "Cache-Control": "no-store"})


async def _decide(request: Request) -> Response:
    state = state_of(request)
    form = await form_of(request)
    asked = AuthorizationRequest.checked(form, state.config)
    if form.get("decision") != "agree":
        return asked.redirect(error="access_denied")
    account = state.accounts.of_persona.get(form.get("persona", state.config.demo_persona))
    if account is None:
        raise AuthorizePageError("INVALID_REQUEST: there is no such listener")
    consent = Consent(
        account=account,
        scopes=asked.scopes,
        redirect_uri=asked.redirect_uri,
        challenge=asked.challenge,
    )
    return asked.redirect(code=state.authorizations.issue_code(consent))


AUTHORIZE_ROUTES: Final[list[BaseRoute]] = [
    Route("/authorize", _show, methods=["GET"]),
    Route("/authorize", _decide, methods=["POST"]),
]
