"""Routes whose answers people read: what goes wrong becomes a page, and who must sign in is asked to."""

from collections.abc import Callable, Coroutine
from typing import Any, Final
from urllib.parse import quote

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.responses import Response
from typing_extensions import override

from spotify_insights.errors import (
    ConflictError,
    ForbiddenError,
    InvalidInputError,
    NotFoundError,
    ProductError,
    TooManyRequestsError,
    UnauthenticatedError,
    UnavailableError,
)
from spotify_insights.web.pages.rendering import Link, message_page, see_other
from spotify_insights.web.session_cookie import drop_session_cookie

_HOME: Final[Link] = ("Go to the start page", "/")
_MESSAGES: Final[dict[type[ProductError], tuple[int, str, str]]] = {
    NotFoundError: (404, "That is not here", "Check the address, or start again from the start page."),
    ForbiddenError: (403, "That is not for this account", "Ask the operator if you think it should be."),
    ConflictError: (409, "That does not go together", "Look at what is there now, then try again."),
    InvalidInputError: (422, "Something in the form cannot be used", "Go back and change it."),
    TooManyRequestsError: (429, "Too often for the moment", "Wait a minute, then try again."),
    UnavailableError: (503, "One moment, please", "Wait a few seconds, then try again."),
}


class PageRoute(APIRoute):
    """A route of pages; give it to the router as `route_class`."""

    @override
    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                return await handle(request)
            except UnauthenticatedError:
                return _to_sign_in(request)
            except RequestValidationError:
                return message_page(
                    request,
                    status=422,
                    title="This cannot be read",
                    what_happened="Something in the form or the address is missing, or changed on its way.",
                    what_to_do="Go back, load the page again, and repeat what you did.",
                    actions=[_HOME],
                )
            except ProductError as error:
                return _page_of(request, error)

        return answer


def sign_in_address(next_path: str) -> str:
    """The sign-in page, which leads on to `next_path`."""
    return "/sign-in" if next_path == "/account" else f"/sign-in?next={quote(next_path)}"


def _to_sign_in(request: Request) -> Response:
    # What a form wanted to do is not done later, out of sight: afterwards comes the page that has it.
    path = request.url.path if request.method in {"GET", "HEAD"} else "/account"
    response = see_other(sign_in_address(path))
    drop_session_cookie(response, request.app.state.runtime.settings)
    return response


def _page_of(request: Request, error: ProductError) -> Response:
    for kind, (status, title, what_to_do) in _MESSAGES.items():
        if isinstance(error, kind):
            return message_page(
                request,
                status=status,
                title=title,
                what_happened=error.message,
                what_to_do=what_to_do,
                actions=[_HOME],
            )
    raise error
