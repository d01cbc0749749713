"""Downloading an export with its link."""

from urllib.parse import quote

from fastapi import APIRouter, Request
from starlette.responses import Response, StreamingResponse

from spotify_insights.privacy.download import begin_download, look_at_download
from spotify_insights.storage.read import FileFacts
from spotify_insights.web.dependencies import RuntimeDep
from spotify_insights.web.origin import origin_of
from spotify_insights.web.pages.page_route import PageRoute

router = APIRouter(include_in_schema=False, route_class=PageRoute)


@router.get("/exports/{token}")
def download_export(request: Request, runtime: RuntimeDep, token: str) -> Response:
    """Give the export to whoever has its link. It works once; looking at its headers does not use it up."""
    if request.scope.get("only_headers"):
        return Response(headers=_headers(look_at_download(runtime.database, token)))
    download = begin_download(runtime.database, token, audit=runtime.audit, origin=origin_of(request))
    return StreamingResponse(
        download.content, media_type=download.facts.media_type, headers=_headers(download.facts)
    )


def _headers(facts: FileFacts) -> dict[str, str]:
    return {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(facts.name)}",
        "Content-Length": str(facts.size_bytes),
        "Content-Type": facts.media_type,
        "Cache-Control": "no-store",
    }
