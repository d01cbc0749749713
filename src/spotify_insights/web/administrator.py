"""Who may use the operator's side."""

from typing import Annotated

from fastapi import Depends

from spotify_insights.database.actor import LOCAL_ADMIN, Actor


# Without sign-in the middleware lets nobody in but this machine, and whoever uses it is the admin: a check of
# roles has its place here, and every operator's route asks here.
async def _administrator() -> Actor:
    return LOCAL_ADMIN


Administrator = Annotated[Actor, Depends(_administrator)]
