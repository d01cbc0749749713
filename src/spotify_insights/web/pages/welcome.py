"""The start page: what this is, and where to go."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from spotify_insights.web.dependencies import RuntimeDep
from spotify_insights.web.pages.page_route import PageRoute
from spotify_insights.web.pages.providers_offered import start_addresses
from spotify_insights.web.pages.rendering import render_page
from spotify_insights.web.pages.viewer import MaybeViewer

router = APIRouter(include_in_schema=False, route_class=PageRoute)


@router.get("/")
async def welcome(request: Request, runtime: RuntimeDep, _viewer: MaybeViewer) -> Response:
    """What this is and where to go."""
    settings = runtime.settings
    offers = start_addresses(settings)
    return render_page(
        request,
        "welcome.html",
        spotify_start=next((offer.href for offer in offers if offer.provider == "spotify"), None),
        open_mode=settings.auth_mode == "open",
    )
