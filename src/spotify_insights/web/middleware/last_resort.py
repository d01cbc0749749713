"""An answer where something crashed."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from spotify_insights.observability import get_logger
from spotify_insights.web.problems import internal_error

_log = get_logger(__name__)


class LastResort:
    """Answers 500 where nothing else answered. Starlette's own would stand outside `RequestId`."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answered = False

        async def send_and_remember(message: Message) -> None:
            nonlocal answered
            answered = True
            await send(message)

        try:
            await self._app(scope, receive, send_and_remember)
        except Exception:
            _log.exception("request_crashed", method=scope["method"], path=scope["path"])
            if answered:
                # Half an answer is out: only breaking off tells the client.
                raise
            await internal_error(scope["request_id"])(scope, receive, send)
