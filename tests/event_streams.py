"""Server-sent events as a client reads them, over a real connection."""

import http.client
import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Event:
    """One event; `id` is the last one that the stream gave."""

    name: str
    data: Any
    id: str | None


def parsed(lines: Iterable[str]) -> Iterator[Event]:
    """The events of these lines (WHATWG HTML, section 9.2.6), as far as this service uses the format."""
    name, data, last_id = "message", list[str](), None
    for line in lines:
        if not line:
            if data:
                yield Event(name, json.loads("\n".join(data)), last_id)
            name, data = "message", []
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "event":
            name = value
        elif field == "data":
            data.append(value)
        elif field == "id":
            last_id = value


class EventStream:
    """One request for a task's events; iterate to wait for them, or `lines` for everything that comes."""

    def __init__(
        self, url: str, task_id: object, *, last_event_id: str | None = None, timeout: float = 30
    ) -> None:
        address = urlsplit(url)
        self._connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=timeout)
        self._deadline = time.monotonic() + timeout
        headers = {} if last_event_id is None else {"Last-Event-ID": last_event_id}
        self._connection.request("GET", f"/api/tasks/{task_id}/events", headers=headers)
        self._answer = self._connection.getresponse()
        self.status = self._answer.status
        self.headers = self._answer.headers
        self._events = parsed(self.lines())

    def lines(self) -> Iterator[str]:
        """Line by line until the server ends the stream, which it must do in time."""
        while line := self._answer.readline():
            # Signs of life keep the connection's own time-out from ever coming.
            if time.monotonic() > self._deadline:
                raise TimeoutError("The stream goes on and on.")
            yield line.decode().removesuffix("\n")

    def __iter__(self) -> Iterator[Event]:
        return self._events

    def next(self) -> Event:
        """Wait for one event."""
        return next(self._events)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._answer.close()
        self._connection.close()
