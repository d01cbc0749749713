"""The API in this process without a thread of its own: for tests that send thousands of requests."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
from fastapi import FastAPI


class QuickClient:
    """Sends one request at a time, and the application runs only meanwhile."""

    def __init__(self, runner: asyncio.Runner, client: httpx2.AsyncClient) -> None:
        self._runner = runner
        self._client = client

    def request(self, method: str, url: str, **given: Any) -> httpx2.Response:
        """The whole answer, also of a stream; a cookie that it sets does not go along with the next one."""
        answer = self._runner.run(self._client.request(method, url, **given))
        self._client.cookies.clear()
        return answer

    def get(self, url: str, **given: Any) -> httpx2.Response:
        return self.request("GET", url, **given)


@contextmanager
def quick_client(app: FastAPI) -> Iterator[QuickClient]:
    """A client of this application, started and stopped with it."""
    transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
    client = httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000")
    lifespan = app.router.lifespan_context(app)
    with asyncio.Runner() as runner:
        runner.run(lifespan.__aenter__())
        try:
            yield QuickClient(runner, client)
        finally:
            runner.run(client.aclose())
            runner.run(lifespan.__aexit__(None, None, None))
