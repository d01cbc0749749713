"""`POST /api/token`: codes and refresh tokens in, tokens out.

https://developer.spotify.com/documentation/web-api/tutorials/code-flow and .../refreshing-tokens
"""

import base64
import binascii
from collections.abc import Mapping
from secrets import compare_digest
from typing import Final
from urllib.parse import parse_qsl, unquote_plus

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from spotify_insights.pretend_spotify.failures import OAuthError
from spotify_insights.pretend_spotify.request_log import DETAIL
from spotify_insights.pretend_spotify.state import fields_of, state_of
from spotify_insights.pretend_spotify.tokens import ACCESS_TOKEN_LIFETIME, IssuedTokens

_FORM: Final = "application/x-www-form-urlencoded"
_GRANT_TYPES: Final = ("authorization_code", "refresh_token")


async def form_of(request: Request) -> dict[str, str]:
    """The fields of an urlencoded form; empty for a body of another type, as Spotify then sees none."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        return {}
    body = (await request.body()).decode("utf-8", errors="replace")
    return fields_of(parse_qsl(body, keep_blank_values=True))


async def _token(request: Request) -> Response:
    form = await form_of(request)
    grant_type = form.get("grant_type", "")
    if grant_type in _GRANT_TYPES:
        request.scope[DETAIL] = grant_type
    secret_proved = _client(request, form)
    state = state_of(request)
    if grant_type == "authorization_code":
        issued = state.authorizations.redeem(
            _needed(form, "code"),
            redirect_uri=_needed(form, "redirect_uri"),
            verifier=form.get("code_verifier"),
            secret_proved=secret_proved,
        )
    elif grant_type == "refresh_token":
        issued = state.authorizations.refresh(
            _needed(form, "refresh_token"),
            secret_proved=secret_proved,
            answer=state.settings.refresh_token_answer,
        )
    elif grant_type:
        raise OAuthError(
            "unsupported_grant_type",
            "grant_type must be client_credentials, authorization_code or refresh_token",
        )
    else:
        raise OAuthError("unsupported_grant_type", "grant_type parameter is missing")
    return JSONResponse(_answer(issued), headers={"Cache-Control": "no-store"})


def _answer(issued: IssuedTokens) -> Mapping[str, object]:
    answer: dict[str, object] = {
        "access_token": issued.access_token,
        "token_type": "Bearer",
        "scope": " ".join(issued.scopes),
        "expires_in": int(ACCESS_TOKEN_LIFETIME.total_seconds()),
    }
    if issued.refresh_token is not None:
        answer["refresh_token"] = issued.refresh_token
    return answer


def _client(request: Request, form: Mapping[str, str]) -> bool:
    """Whether the app proved its secret; raises OAuthError where app or secret are wrong.

    An app without its secret names itself by `client_id` in the form and proves itself by PKCE.
    """
    config = state_of(request).config
    header = request.headers.get("authorization")
    if header is None:
        client_id, secret = form.get("client_id"), form.get("client_secret")
    else:
        client_id, secret = _basic_credentials(header)
    if client_id != config.client_id:
        raise OAuthError("invalid_client", "Invalid client")
    if secret is None:
        return False
    if config.client_secret is None or not compare_digest(secret.encode(), config.client_secret.encode()):
        raise OAuthError("invalid_client", "Invalid client secret")
    return True


def _basic_credentials(header: str) -> tuple[str, str]:
    scheme, _, value = header.partition(" ")
    try:
        decoded = base64.b64decode(value.strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        decoded = ""
    client_id, colon, secret = decoded.partition(":")
    if scheme.lower() != "basic" or not colon:
        raise OAuthError("invalid_client", "Invalid client")
    # RFC 6749, section 2.3.1: both are form-encoded before they are joined.
    return unquote_plus(client_id), unquote_plus(secret)


def _needed(form: Mapping[str, str], name: str) -> str:
    value = form.get(name)
    if not value:
        raise OAuthError("invalid_request", f"{name} must be supplied")
    return value


TOKEN_ROUTES: Final[list[BaseRoute]] = [Route("/api/token", _token, methods=["POST"])]
