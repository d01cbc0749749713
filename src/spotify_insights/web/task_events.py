"""A task as server-sent events (WHATWG HTML, section 9.2): its whole document whenever it has changed."""

import asyncio
import json
import random
import time
from typing import Any, Final
from uuid import UUID

from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send
from typing_extensions import override

from spotify_insights.observability import get_logger
from spotify_insights.web.parameters import TASK_ID
from spotify_insights.web.task_watch import Ending, Listener, TaskWatch

_log = get_logger(__name__)
KEEP_ALIVE_SECONDS: Final = 15.0
# A client that takes nothing for so long is given up.
PATIENCE_SECONDS: Final = 30.0
# Then the client comes again by itself, perhaps to another replica.
LONGEST_STREAM_SECONDS: Final = 3600.0

_EXAMPLE: Final = "\n".join(
    [
        "retry: 1700",
        "",
        "event: task",
        f'data: {{"task_id": "{TASK_ID}", "status": "STARTED", …}}',
        "id: 1d0f3c6e2b7d4d0e9a417c55",
        "",
        ": ping",
        "",
        "event: task",
        f'data: {{"task_id": "{TASK_ID}", "status": "SUCCESS", …}}',
        "id: 6a1d2e3f40519a412b8f6c1d",
        "",
        "event: end",
        'data: {"reason": "ended"}',
        "",
        "",
    ]
)
# OpenAPI 3.2, section 4.14.4, describes the events of a stream in this way; older tools pass over it.
_EVENT: Final = {
    "type": "object",
    "required": ["event", "data"],
    "properties": {
        "event": {"type": "string", "enum": ["task", "end"]},
        "id": {"type": "string", "description": "Another one for each state of the task."},
        "data": {
            "type": "string",
            "contentMediaType": "application/json",
            "contentSchema": {
                "anyOf": [
                    {"$ref": "#/components/schemas/TaskDocument"},
                    {
                        "type": "object",
                        "required": ["reason"],
                        "properties": {"reason": {"enum": ["ended", "deleted"]}},
                    },
                ]
            },
        },
    },
}
EVENTS_RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "The stream.",
        "content": {"text/event-stream": {"itemSchema": _EVENT, "example": _EXAMPLE}},
    },
    204: {"description": "The task has ended, and `Last-Event-ID` names its last state. Do not reconnect."},
}


class TaskEvents(StreamingResponse):
    """The stream for one client. Whatever it has not taken yet is replaced by what is newer.

    FastAPI's own way to stream would let it neither answer 204 nor give up a client that takes nothing.
    """

    media_type = "text/event-stream"

    def __init__(self, watch: TaskWatch, task_id: UUID, *, last_event_id: str | None) -> None:
        # `X-Accel-Buffering` lets nginx pass on each event at once.
        super().__init__((), headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        self._watch = watch
        self._task_id = task_id
        self._seen = last_event_id

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Stream until the task is over, the client leaves, or this process stops.

        Raises:
            NotFoundError, UnavailableError: as `TaskWatch.listening`, before anything was sent.
        """
        async with self._watch.listening(self._task_id) as listener:
            if listener.state.over and listener.state.digest == self._seen:
                await Response(status_code=204)(scope, receive, send)
                return
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            hearing = asyncio.create_task(_hear_of_leaving(receive, listener))
            try:
                await self._stream(listener, send)
            except TimeoutError:
                _log.info("listener_takes_nothing", task_id=str(self._task_id))
            finally:
                hearing.cancel()

    async def _stream(self, listener: Listener, send: Send) -> None:
        ends = time.monotonic() + LONGEST_STREAM_SECONDS
        # Of a thousand clients whose replica has stopped not all come again in the same moment.
        await _send(send, format_sse_event(retry=random.randint(1000, 3000)))  # noqa: S311  # no secret
        while True:
            if listener.ending is None or listener.ending is Ending.STOPPING:
                state = listener.state
                if state.digest != self._seen:
                    await _send(send, state.event)
                    self._seen = state.digest
                if state.over:
                    await _send(send, _end("ended"), more=False)
                    return
            if listener.ending is Ending.DELETED:
                await _send(send, _end("deleted"), more=False)
                return
            left = ends - time.monotonic()
            if listener.ending is not None or left <= 0:
                await _send(send, b"", more=False)
                return
            if not await listener.news(within=min(KEEP_ALIVE_SECONDS, left)):
                await _send(send, KEEPALIVE_COMMENT)


def _end(reason: str) -> bytes:
    """The event after the last one; without an id, so that the client remembers the last state's."""
    return format_sse_event(event="end", data_str=json.dumps({"reason": reason}))


async def _send(send: Send, chunk: bytes, *, more: bool = True) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        await send({"type": "http.response.body", "body": chunk, "more_body": more})


async def _hear_of_leaving(receive: Receive, listener: Listener) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    listener.end(Ending.LEFT)
