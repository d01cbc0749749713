"""How a route asks for a stricter limit than the one that every request meets."""

from typing import Any

from fastapi import Depends, Request

from spotify_insights.web.authorization import KnownCaller
from spotify_insights.web.limits.policy import LimitClass
from spotify_insights.web.limits.request_limits import limit_principal


def limited(limit_class: LimitClass) -> Any:
    """A dependency that counts the request for its caller under this class as well, for the route's list:

    @router.post("/generate", dependencies=[limited(LimitClass.GENERATION)])
    """

    async def limit(request: Request, principal: KnownCaller) -> None:
        await limit_principal(request, principal, limit_class)

    return Depends(limit)
