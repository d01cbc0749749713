"""What a route may ask for. A transaction is never one of these: it is opened in the route's own body."""

from typing import Annotated, cast

from fastapi import Depends, Request

from spotify_insights.runtime import Runtime
from spotify_insights.web.hot_reads import HotReads
from spotify_insights.web.listening_views.answering import Views
from spotify_insights.web.task_watch import TaskWatch


# Async although they wait for nothing: a synchronous dependency costs every request a hop between threads.
async def _runtime(request: Request) -> Runtime:
    return cast("Runtime", request.app.state.runtime)


async def _hot_reads(request: Request) -> HotReads:
    return cast("HotReads", request.app.state.hot_reads)


async def _task_watch(request: Request) -> TaskWatch:
    return cast("TaskWatch", request.app.state.task_watch)


async def _views(request: Request) -> Views:
    return cast("Views", request.app.state.views)


RuntimeDep = Annotated[Runtime, Depends(_runtime)]
HotReadsDep = Annotated[HotReads, Depends(_hot_reads)]
TaskWatchDep = Annotated[TaskWatch, Depends(_task_watch)]
ViewsDep = Annotated[Views, Depends(_views)]
