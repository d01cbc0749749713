"""Whether this process should get traffic."""

from typing import ClassVar, Literal

import anyio.to_thread
from fastapi import APIRouter

from spotify_insights.database.upgrade import is_current
from spotify_insights.errors import UnavailableError
from spotify_insights.web.dependencies import HotReadsDep, RuntimeDep
from spotify_insights.web.documented import Documented
from spotify_insights.web.problems import problem_responses

router = APIRouter(tags=["Health"])


class Health(Documented):
    """`degraded`: everything is answered, from the database alone, while Redis is away."""

    example: ClassVar = {"status": "ok", "database": "ok", "redis": "ok"}

    status: Literal["ok", "degraded"]
    database: Literal["ok"]
    redis: Literal["ok", "unreachable"]


class Alive(Documented):
    """`ok`, whenever anybody answers at all."""

    example: ClassVar = {"status": "ok"}

    status: Literal["ok"] = "ok"


@router.get("/health/live", responses=problem_responses())
async def live() -> Alive:
    """The process runs. Asks nobody else, so that a slow database never gets it restarted."""
    return Alive()


@router.get("/health", responses=problem_responses())
@router.get("/health/ready", operation_id="ready", responses=problem_responses())
async def health(runtime: RuntimeDep, reads: HotReadsDep) -> Health:
    """The database answers and has this version's schema; Redis may be away."""
    current = await anyio.to_thread.run_sync(is_current, runtime.database)
    if not current:
        raise UnavailableError("The database schema does not fit this version. Run the upgrade first.")
    redis = await reads.cache.is_reachable()
    return Health(status="ok" if redis else "degraded", database="ok", redis="ok" if redis else "unreachable")
