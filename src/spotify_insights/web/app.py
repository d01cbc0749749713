"""The ASGI application: routers, middleware, and what lives as long as the process."""

import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from spotify_insights import __version__
from spotify_insights.listening.analytics.play_rule import PlayRule
from spotify_insights.runtime import Runtime
from spotify_insights.web import documentation, health
from spotify_insights.web.api import (
    admin,
    audit,
    auth,
    imports,
    insights,
    invitations,
    keys,
    listening,
    listening_views,
    metrics,
    people,
    plays,
    privacy,
    service_accounts,
    sessions,
    tasks,
    tokens,
    users,
)
from spotify_insights.web.authorization import document_open_doors
from spotify_insights.web.documented import add_examples
from spotify_insights.web.errors_answered import install_problem_handlers
from spotify_insights.web.histories import Histories
from spotify_insights.web.hot_reads import HotReads
from spotify_insights.web.idempotency import document_keys
from spotify_insights.web.limits.rate_limits import RateLimits
from spotify_insights.web.listening_views.answering import Views
from spotify_insights.web.methods import refuse_other_methods
from spotify_insights.web.middleware.install import install_walls
from spotify_insights.web.pages import routers as pages
from spotify_insights.web.problems import Problem
from spotify_insights.web.task_watch import TaskWatch

RELAY_STOP_SECONDS = 5.0
# Whoever asks is told that the database fell silent; what runs in the background waits longer for it.
REQUEST_PATIENCE_SECONDS = 4.0


def create_app(runtime: Runtime, *, with_relay: bool = True) -> FastAPI:
    """The application over the parts of `runtime`, which it closes when it ends.

    Args:
        with_relay: whether this process hands jobs to the broker; tests that run jobs themselves do not.
    """
    settings = runtime.settings

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        reads = HotReads(
            settings.database_url.get_secret_value(),
            (settings.cache_url or settings.redis_url).get_secret_value(),
            pool_size=settings.database_pool_size,
        )
        await reads.open()
        app.state.hot_reads = reads
        histories = Histories(reads, app.state.runtime.database)
        app.state.views = Views(reads, histories, PlayRule(settings.play_rule))
        app.state.task_watch = watch = TaskWatch(reads)
        app.state.rate_limits = limits = RateLimits(settings, runtime.installation_secrets)
        relay = runtime.create_relay()
        thread = threading.Thread(
            target=relay.run,
            kwargs={"poll_seconds": settings.relay_poll_seconds},
            name="relay",
            daemon=True,
        )
        if with_relay:
            thread.start()
        try:
            yield
        finally:
            await watch.close()
            relay.stop()
            if with_relay:
                thread.join(RELAY_STOP_SECONDS)
            histories.close()
            await reads.close()
            await limits.close()
            runtime.close()

    app = FastAPI(
        title=f"{settings.display_name} API",
        version=__version__,
        summary="Listening history, turned into insights worth reading.",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.runtime = replace(runtime, database=runtime.database.with_patience(REQUEST_PATIENCE_SECONDS))
    for router in (
        users.router,
        tokens.router,
        listening.router,
        listening_views.router,
        plays.router,
        imports.router,
        insights.router,
        tasks.router,
        admin.router,
        audit.router,
        service_accounts.router,
        invitations.router,
        people.router,
        auth.router,
        keys.router,
        sessions.router,
        privacy.router,
    ):
        app.include_router(router)
    app.include_router(health.router)
    app.include_router(metrics.router)
    app.include_router(documentation.router)
    app.include_router(pages.router)
    app.mount("/swagger", documentation.swagger_files(), name="swagger")
    refuse_other_methods(app)
    install_problem_handlers(app)
    install_walls(app, settings)
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]  # FastAPI's documented way to extend it
    return app


def _openapi(app: FastAPI) -> dict[str, object]:
    if app.openapi_schema is None:
        schema = get_openapi(title=app.title, version=app.version, summary=app.summary, routes=app.routes)
        components = schema.setdefault("components", {}).setdefault("schemas", {})
        components["Problem"] = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        components.update(components["Problem"].pop("$defs", {}))
        add_examples(components)
        document_keys(schema)
        if app.state.runtime.settings.auth_mode == "open":
            document_open_doors(schema)
        app.openapi_schema = schema
    return app.openapi_schema
