"""How a wall says no: as a page where a person reads it, else as a problem document."""

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from spotify_insights.web.pages.rendering import Link, message_page
from spotify_insights.web.problems import problem_response


def refusal(
    scope: Scope,
    status: int,
    *,
    code: str,
    title: str,
    detail: str,
    to_do: str,
    headers: dict[str, str] | None = None,
    action: Link = ("Go to the start page", "/"),
) -> Response:
    """The answer to a request that goes no further.

    Args:
        title: what happened in a few words, for the head of a page.
        detail: what happened; `to_do`: what to do.
        action: where a page proposes to go.
    """
    if not wants_page(scope):
        return problem_response(
            scope["request_id"], status, code=code, detail=f"{detail} {to_do}", headers=headers
        )
    page = message_page(
        Request(scope),
        status=status,
        title=title,
        what_happened=detail,
        what_to_do=to_do,
        actions=[action],
    )
    page.headers.update(headers or {})
    return page


def wants_page(scope: Scope) -> bool:
    """Whether a person reads the answer: a browser asked, and not for the API."""
    accepted = Headers(scope=scope).get("accept", "")
    return "text/html" in accepted and not scope["path"].startswith("/api/")
