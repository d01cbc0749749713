"""A Redis that is not there, in the two ways that this is noticed."""

import threading
from collections.abc import Iterator
from pathlib import Path
from socket import socket

import pytest

from misbehaving_server import server


@pytest.fixture(params=["refused", "silent"], name="unusable_redis")
def unusable_redis(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address: nobody listens there, or somebody who never says a word."""
    if request.param == "refused":
        yield f"unix://{tmp_path}/nobody.sock"
        return
    over = threading.Event()

    def keep_silent(_: socket) -> None:
        over.wait(60)

    with server(keep_silent) as port:
        yield f"redis://127.0.0.1:{port}/0"
        over.set()
