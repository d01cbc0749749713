"""Cover art and portraits: two colours that follow from the picture's id."""

from colorsys import hls_to_rgb
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from spotify_insights.pretend_spotify.seeding import fraction


def _colour(hue: float, lightness: float) -> str:
    return "#" + "".join(f"{round(255 * part):02x}" for part in hls_to_rgb(hue % 1, lightness, 0.45))


async def _cover(request: Request) -> Response:
    image_id = request.path_params["image_id"]
    hue, height = fraction("hue", image_id), 20 + 60 * fraction("height", image_id)
    sun = f'cx="{100 - height:.0f}" cy="{height:.0f}" r="{height / 2:.0f}"'
    picture = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100">'
        f'<path fill="{_colour(hue, 0.32)}" d="M0 0h100v100H0z"/>'
        f'<circle fill="{_colour(hue + 0.4, 0.7)}" {sun}/>'
        "</svg>"
    )
    return Response(picture, media_type="image/svg+xml", headers={"Cache-Control": "public, max-age=86400"})


COVER_ROUTES: Final[list[BaseRoute]] = [Route("/image/{image_id}", _cover)]
