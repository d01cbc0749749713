"""Serving the application in this process."""

import os
import socket
from pathlib import Path

import uvicorn
from fastapi import FastAPI
from typing_extensions import override

from spotify_insights.database.role import DatabaseRole
from spotify_insights.errors import SetupError
from spotify_insights.installation.check_ring import check_ring
from spotify_insights.memory import keep_freed_memory, leave_what_stays_alone
from spotify_insights.observability import configure_logging
from spotify_insights.runtime import Runtime
from spotify_insights.settings import Settings, is_loopback
from spotify_insights.sign_in.redirect_uri import check_public_url
from spotify_insights.web.app import create_app
from spotify_insights.web.middleware.authority import origin_of_url
from spotify_insights.web.setup_link import print_setup_link
from spotify_insights.web.task_watch import TaskWatch


class _Server(uvicorn.Server):
    """Touches READY_FILE once requests are answered, and ends the streams when it has to stop."""

    def __init__(self, config: uvicorn.Config, app: FastAPI) -> None:
        super().__init__(config)
        self._app = app

    @override
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        leave_what_stays_alone()
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
        SetupError: a setting is wrong, the address must not be served without sign-in, or the key ring is not
            the one of this installation.
    """
    keep_freed_memory()
    settings = Settings.from_environment()
    check_doors(settings, host if fd is None else _host_of(fd, host))
    configure_logging(settings.log_level, settings.log_format)
    runtime = Runtime.from_settings(settings, role=DatabaseRole.API, process="spotify-insights api")
    check_ring(runtime.installation_secrets)
    if not os.environ.get("SETUP_LINK_SHOWN"):
        print_setup_link(runtime)
    app = create_app(runtime)
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        server_header=False,
        # It would believe every program on this machine. `middleware.forwarded` does this by TRUSTED_PROXIES.
        proxy_headers=False,
        timeout_graceful_shutdown=10,
    )
    # Left to uvicorn, a given descriptor would pass for a Unix socket: without TCP_NODELAY every answer over
    # a connection that is kept open would wait 40 ms for the client's acknowledgement.
    _Server(config, app).run(sockets=None if fd is None else [socket.socket(fileno=fd)])


def check_doors(settings: Settings, host: str) -> None:
    """Return if the API may be reached at `host` and at PUBLIC_URL with this AUTH_MODE.

    Raises:
        SetupError: others would get in without sign-in, or could read along while somebody signs in.
    """
    check_public_url(settings.public_url)
    if settings.auth_mode == "required":
        return
    if not is_loopback(host):
        raise SetupError(
            f"Without sign-in the API serves this machine only, and {host} can be reached from others. "
            "Use --host 127.0.0.1, or set AUTH_MODE=required."
        )
    if not origin_of_url(settings.public_url).is_local:
        raise SetupError(
            "PUBLIC_URL names a place that others can reach, and AUTH_MODE is open, which lets everybody in. "
            "Set AUTH_MODE=required, or leave out PUBLIC_URL."
        )


def _host_of(fd: int, named: str) -> str:
    """Where a socket that somebody opened for us listens; what they say where it has no such address."""
    with socket.socket(fileno=os.dup(fd)) as listening:
        if listening.family not in {socket.AF_INET, socket.AF_INET6}:
            return named
        return str(listening.getsockname()[0])
