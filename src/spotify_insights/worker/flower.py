"""Flower, a window on Celery: it shows what workers do, and nothing depends on it.

Flower by itself shows some pages to everybody, and changes what it shows. Here every request but the health
check needs the password, nothing can be changed, and nothing is kept. Flower never learns the password: a
gate in front of it compares, and hands on a word that lives as long as this process.
"""

import base64
import hmac
import logging
import os
import secrets
import signal
from pathlib import Path
from typing import Any, Final

import flower.options as _flower_options  # type: ignore[import-untyped]  # noqa: F401  # defines the options
from celery import Celery
from flower.app import Flower  # type: ignore[import-untyped]  # it carries no types
from flower.urls import settings as page_settings  # type: ignore[import-untyped]  # it carries no types
from tornado.httputil import HTTPServerRequest
from tornado.options import options
from tornado.web import RequestHandler, stream_request_body
from typing_extensions import override

from spotify_insights.errors import SetupError
from spotify_insights.jobs.celery_app import create_celery
from spotify_insights.observability import configure_logging, get_logger
from spotify_insights.settings import Settings
from spotify_insights.worker.tasks import JOB_TYPES

_log = get_logger(__name__)
# It says "OK" to whoever asks, and nothing else.
_OPEN: Final = "/healthcheck"
_KEPT_TASKS: Final = 10_000
# Every start of a worker has a name of its own, so that those of yesterday would fill the page.
_FORGET_WORKERS_AFTER_SECONDS: Final = 3600


class Gate:
    """HTTP Basic authentication (RFC 7617) before anything of Flower's is reached."""

    def __init__(self, user: str, password: str) -> None:
        self._expected = f"{user}:{password}".encode()

    def lets_in(self, request: HTTPServerRequest) -> bool:
        """Whether the request carries the right name and password, or asks for what is open."""
        if request.path == _OPEN:
            return True
        scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return False
        try:
            given = base64.b64decode(encoded.strip(), validate=True)
        except ValueError:
            return False
        return hmac.compare_digest(given, self._expected)


# Streaming answers before the body: nobody without the password makes us keep one.
@stream_request_body
class Refusal(RequestHandler):
    """The answer to whoever has not said the password."""

    @override
    def check_xsrf_cookie(self) -> None:
        """Nothing is done for this request in any case."""

    @override
    def prepare(self) -> None:
        self.set_status(401)
        self.set_header("WWW-Authenticate", 'Basic realm="flower", charset="UTF-8"')
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        _ = self.finish("Say FLOWER_USER and FLOWER_PASSWORD to look at this.\n")

    @override
    def data_received(self, chunk: bytes) -> None:
        """What follows is of no interest."""


class GuardedFlower(Flower):  # type: ignore[misc]  # it carries no types
    """Flower behind the gate, for looking only."""

    def __init__(self, gate: Gate, *, capp: Celery) -> None:
        pass_word = secrets.token_hex(32)
        options.basic_auth = [f"gate:{pass_word}"]
        options.read_only = True
        options.persistent = False
        options.max_tasks = _KEPT_TASKS
        options.purge_offline_workers = _FORGET_WORKERS_AFTER_SECONDS
        self._gate = gate
        self._passed = f"Basic {base64.b64encode(f'gate:{pass_word}'.encode()).decode()}"
        # Flower protects its forms against other sites where a password is asked for.
        super().__init__(capp=capp, options=options, **page_settings)

    def find_handler(self, request: HTTPServerRequest, **kwargs: Any) -> Any:
        """Route the request, or refuse it."""
        if not self._gate.lets_in(request):
            return self.get_handler_delegate(request, Refusal)
        request.headers["Authorization"] = self._passed
        return super().find_handler(request, **kwargs)


def run_flower(*, address: str, port: int) -> None:
    """Show Celery's view of workers and tasks on `address` and `port` (0: any free one) until SIGTERM.

    Raises:
        SetupError: there is no FLOWER_PASSWORD, another setting is wrong, or the port is not to be had.
    """
    settings = Settings.from_environment()
    if not settings.flower_password:
        raise SetupError(
            "FLOWER_PASSWORD is not set. Flower asks everybody for it before it shows what the workers do; "
            "set one and start again."
        )
    configure_logging(settings.log_level, settings.log_format)
    # A line for every page that somebody looks at is too much; one for every refusal is not.
    logging.getLogger("tornado.access").setLevel(logging.WARNING)
    gate = Gate(settings.flower_user, settings.flower_password.get_secret_value())
    window = GuardedFlower(gate, capp=_application(settings))
    taken = _listen(window, address, port)

    for number in (signal.SIGTERM, signal.SIGINT):
        window.io_loop.asyncio_loop.add_signal_handler(number, window.stop)
    _log.info("flower_serves", address=address, port=taken)
    ready_file = os.environ.get("READY_FILE")
    if ready_file:
        window.io_loop.add_callback(Path(ready_file).touch)
    window.start()
    # Threads may still wait for a broker that is gone; there is nothing here that must be kept.
    logging.shutdown()
    os._exit(0)


def _application(settings: Settings) -> Celery:
    """What Flower asks about: the broker, and every task by name. Running them is not its business."""
    app = create_celery(settings.redis_url.get_secret_value())
    for job_type in JOB_TYPES:
        app.task(name=job_type.task_name)(_refuse_to_run)
    return app


def _refuse_to_run(_job_id: str) -> None:
    raise RuntimeError("Flower runs no tasks.")


def _listen(window: GuardedFlower, address: str, port: int) -> int:
    options.address, options.port = address, port
    try:
        taken: int = window.start_http_server()
    except OSError as error:
        raise SetupError(
            f"Flower cannot serve {address}:{port} ({error.strerror or error}); choose others with --address "
            "and --port."
        ) from None
    return taken
