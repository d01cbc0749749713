"""Serving the application in this process."""

import os
import socket
from pathlib import Path

import uvicorn
from fastapi import FastAPI
from typing_extensions import override

from spotify_insights.errors import SetupError
from spotify_insights.observability import configure_logging
from spotify_insights.runtime import Runtime
from spotify_insights.settings import Settings, is_loopback
from spotify_insights.web.app import create_app
from spotify_insights.web.task_watch import TaskWatch


class _Server(uvicorn.Server):
    """Touches READY_FILE once requests are answered, and ends the streams when it has to stop."""

    def __init__(self, config: uvicorn.Config, app: FastAPI) -> None:
        super().__init__(config)
        self._app = app

    @override
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        ready_file = os.environ.get("READY_FILE")
        if ready_file and self.started:
            Path(ready_file).touch()  # noqa: ASYNC240  # once, before anybody could wait for it

    @override
    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # Otherwise it would wait for their end, which may be an hour away.
        watch: TaskWatch | None = getattr(self._app.state, "task_watch", None)
        if watch is not None:
            watch.stop()
        await super().shutdown(sockets)


def serve_api(*, host: str, port: int, fd: int | None) -> None:
    """Answer requests until SIGTERM, which lets running requests finish.

    Args:
        fd: a listening socket that is open already, in place of host and port.

    Raises:
        SetupError: a setting is wrong, or the address must not be served without sign-in.
    """
    settings = Settings.from_environment()
    if not is_loopback(host):
        raise SetupError(
            f"Without sign-in the API serves this machine only, and {host} can be reached from others. "
            "Use --host 127.0.0.1."
        )
    configure_logging(settings.log_level, settings.log_format)
    app = create_app(Runtime.from_settings(settings, process="spotify-insights api"))
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=10,
    )
    # Left to uvicorn, a given descriptor would pass for a Unix socket: without TCP_NODELAY every answer over
    # a connection that is kept open would wait 40 ms for the client's acknowledgement.
    _Server(config, app).run(sockets=None if fd is None else [socket.socket(fileno=fd)])
