"""Signing in with a name and a password."""

from typing import Annotated, Final

from fastapi import APIRouter, Form, Query, Request
from starlette.responses import Response

from spotify_insights.audit.event import AuditEvent
from spotify_insights.database.actor import AUTHENTICATION
from spotify_insights.sign_in.local_accounts import CheckedPassword, check_password, still_counts
from spotify_insights.sign_in.registration import is_open
from spotify_insights.web.dependencies import RuntimeDep
from spotify_insights.web.limits.request_limits import limited_by_name
from spotify_insights.web.origin import origin_of
from spotify_insights.web.pages.browser_session import begin_session, let_in
from spotify_insights.web.pages.forms import NOTHING, Problems, Secret, Text
from spotify_insights.web.pages.page_route import PageRoute
from spotify_insights.web.pages.providers_offered import start_addresses
from spotify_insights.web.pages.rendering import render_page, see_other
from spotify_insights.web.pages.viewer import MaybeViewer, own_path

router = APIRouter(include_in_schema=False, route_class=PageRoute)
Next = Annotated[str, Query(alias="next", max_length=2000)]

WRONG = "Name and password do not go together. Check both; capital letters count in the password."
_NEWS: Final = {
    "erased": "Your account is closed, and everything in it is being erased.",
}


@router.get("/sign-in")
async def sign_in_page(
    request: Request, runtime: RuntimeDep, viewer: MaybeViewer, next_path: Next = ""
) -> Response:
    """Ask who it is; whoever is signed in goes on."""
    if viewer is not None:
        return see_other(own_path(next_path))
    return _page(request, runtime, next_path=next_path)


@router.post("/sign-in", dependencies=[limited_by_name("username")])
def sign_in(
    request: Request,
    runtime: RuntimeDep,
    username: Text = "",
    password: Secret = NOTHING,
    next_path: Annotated[str, Form(alias="next", max_length=2000)] = "",
) -> Response:
    """Let in whoever knows name and password. A name that nobody has is answered like a wrong password."""
    checked = check_password(runtime.database, username, password)
    with runtime.database.transaction(acting_for=AUTHENTICATION) as tx:
        if isinstance(checked, CheckedPassword) and still_counts(tx, checked):
            started = begin_session(tx, request, runtime, checked.user_id)
            return let_in(see_other(own_path(next_path)), runtime, started)
        runtime.audit.record(
            tx,
            AuditEvent.SIGN_IN_REFUSED,
            actor=AUTHENTICATION,
            subject=checked.user_id,
            details={"method": "password"},
            origin=origin_of(request),
        )
    return _page(
        request, runtime, next_path=next_path, username=username, problems={"form": WRONG}, status=422
    )


def _page(
    request: Request,
    runtime: RuntimeDep,
    *,
    next_path: str,
    username: str = "",
    problems: Problems | None = None,
    status: int = 200,
) -> Response:
    wanted = own_path(next_path)
    return render_page(
        request,
        "sign_in.html",
        status=status,
        next_path=wanted,
        username=username[:100],
        problems=problems or {},
        providers=start_addresses(runtime.settings, next_path=wanted),
        may_register=is_open(runtime.settings),
        news=next((said for name, said in _NEWS.items() if name in request.query_params), ""),
    )
