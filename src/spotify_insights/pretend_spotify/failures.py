"""The two ways Spotify says no in JSON: the Web API's and the accounts service's.

https://developer.spotify.com/documentation/web-api/concepts/api-calls#response-error
"""

from collections.abc import Mapping
from http import HTTPStatus


class WebApiError(Exception):
    """A refusal under `/v1`; `message` None is left out, as Spotify does for withdrawn endpoints."""

    def __init__(self, status: HTTPStatus, message: str | None, *, reason: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.reason = reason

    @property
    def body(self) -> Mapping[str, Mapping[str, int | str]]:
        error: dict[str, int | str] = {"status": int(self.status)}
        if self.message is not None:
            error["message"] = self.message
        if self.reason is not None:
            error["reason"] = self.reason
        return {"error": error}


class OAuthError(Exception):
    """A refusal at `/api/token` in the shape of RFC 6749, section 5.2."""

    status = HTTPStatus.BAD_REQUEST

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.error = error
        self.description = description

    @property
    def body(self) -> Mapping[str, str]:
        return {"error": self.error, "error_description": self.description}


class AuthorizePageError(Exception):
    """A request to `/authorize` that must not be answered with a redirect; the message is shown as text."""

    status = HTTPStatus.BAD_REQUEST
