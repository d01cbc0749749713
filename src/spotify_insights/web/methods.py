"""Methods that an address does not take: 405 with all that it does take, whichever route has them."""

from collections import defaultdict
from collections.abc import Callable

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Match, compile_path
from starlette.types import Receive, Scope, Send
from typing_extensions import override

from spotify_insights.web.middleware.refusal import wants_page
from spotify_insights.web.pages.rendering import see_other


def refuse_other_methods(app: FastAPI) -> None:
    """Answer 405 to every other method of the addresses that `app` has now; call it after the last route.

    Without it `GET /api/users/register` would be taken for a user called "register", and `Allow` would name
    the methods of one route where an address has several (RFC 9110, section 10.2.1, asks for all).
    """
    methods: defaultdict[str, set[str]] = defaultdict(set)
    for route in iter_route_contexts(app.routes):
        if route.path is not None and route.methods:
            methods[route.path] |= route.methods
    for taken in methods.values():
        if "GET" in taken:
            taken.add("HEAD")
    literal = {path: frozenset(taken) for path, taken in methods.items() if "{" not in path}
    patterns = [(compile_path(path)[0], taken) for path, taken in methods.items() if path not in literal]

    def taken_by_literal(path: str) -> frozenset[str]:
        return literal.get(path, frozenset())

    def taken_by_pattern(path: str) -> frozenset[str]:
        return frozenset().union(*(taken for pattern, taken in patterns if pattern.match(path)))

    pages = frozenset(path for path, taken in literal.items() if "GET" in taken)

    # Before all others, so that no pattern takes a literal address for a parameter.
    app.router.routes.insert(0, _OtherMethods(taken_by_literal, pages))
    # After all others: it is asked only where no route takes the request.
    app.router.routes.append(_OtherMethods(taken_by_pattern, pages))


class _OtherMethods(BaseRoute):
    """Matches requests whose address is known and whose method is not.

    A browser that opens the address of a form, as after loading its answer again, is led to the page above.
    """

    def __init__(self, taken: Callable[[str], frozenset[str]], pages: frozenset[str]) -> None:
        self._taken = taken
        self._pages = pages

    @override
    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if scope["type"] == "http":
            taken = self._taken(scope["path"])
            if taken and scope["method"] not in taken:
                return Match.FULL, {}
        return Match.NONE, {}

    @override
    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        taken = self._taken(scope["path"])
        if scope["method"] == "GET" and taken == {"POST"} and wants_page(scope):
            await see_other(self._page_above(scope["path"]))(scope, receive, send)
            return
        raise HTTPException(405, headers={"Allow": ", ".join(sorted(taken))})

    def _page_above(self, path: str) -> str:
        while path:
            path = path.rpartition("/")[0]
            if path in self._pages:
                return path
        return "/"
