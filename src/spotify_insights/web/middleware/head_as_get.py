"""HEAD for every route that takes GET."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class HeadAsGet:
    """HEAD is GET without the body (RFC 9110, section 9.3.2), whatever the route says."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return

        answered = False

        async def send_head(message: Message) -> None:
            nonlocal answered
            if message["type"] == "http.response.start":
                # The router left it in the copy; those outside ask for it here.
                scope["route"] = as_get.get("route")
            elif answered:
                return
            else:
                # Where nothing of the body is sent, nobody waits for the end of a stream.
                answered = True
                message = {**message, "body": b"", "more_body": False}
            await send(message)

        # For the few routes whose GET uses something up.
        as_get = {**scope, "method": "GET", "only_headers": True}
        await self._app(as_get, receive, send_head)
