"""How a wall says no: as a page where a person reads it, else as a problem document."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from spotify_insights.web.pages.rendering import message_page
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
) -> Response:
    """The answer to a request that goes no further.

    Args:
        title: what happened in a few words, for the head of a page.
        detail: what happened; `to_do`: what to do.
    """
    request = Request(scope)
    wants_page = "text/html" in request.headers.get("accept", "") and not scope["path"].startswith("/api/")
    if not wants_page:
        return problem_response(
            scope["request_id"], status, code=code, detail=f"{detail} {to_do}", headers=headers
        )
    page = message_page(
        request,
        status=status,
        title=title,
        what_happened=detail,
        what_to_do=to_do,
        actions=[("Go to the start page", "/")],
    )
    page.headers.update(headers or {})
    return page
