"""The API's documentation, from own files alone: it works offline and under a strict policy."""

from importlib.resources import files
from typing import Final

from fastapi import APIRouter, HTTPException
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.staticfiles import StaticFiles

from spotify_insights.web.middleware.safe_headers import EMBEDDED_NOWHERE

router = APIRouter(include_in_schema=False)

_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; "
    f"img-src 'self' data:; connect-src 'self'; {EMBEDDED_NOWHERE}"
)
_STATIC: Final = files("spotify_insights.web") / "static"


def swagger_files() -> StaticFiles:
    """Swagger UI as its wheel carries it."""
    return StaticFiles(packages=[("fastapi_offline", "static")])


@router.get("/docs")
async def docs() -> Response:
    """Swagger UI over this installation's OpenAPI document."""
    page = (_STATIC / "docs.html").read_text(encoding="utf-8")
    return HTMLResponse(page, headers={"Content-Security-Policy": _POLICY})


@router.get("/static/{name}")
async def static(name: str) -> Response:
    """Our own few files, by name."""
    own = {
        "docs.js": "text/javascript",
        "pages.js": "text/javascript",
        "pages.css": "text/css",
        "icon.svg": "image/svg+xml",
    }
    if name not in own:
        raise HTTPException(404)
    return FileResponse(str(_STATIC / name), media_type=own[name], headers={"Cache-Control": "max-age=3600"})
