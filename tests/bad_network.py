"""A way to a server that a test can interrupt: connections freeze without a word, as behind a dead router."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


class Passage:
    """Forwards TCP connections on loopback to a unix socket, until told otherwise."""

    def __init__(self, target: Path) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets: list[socket.socket] = []
        self._frozen = threading.Event()
        self.port: int = self._listener.getsockname()[1]
        self.refuses = False
        threading.Thread(target=self._accept, daemon=True).start()

    def freeze(self) -> None:
        """From now on, what goes through present and new connections vanishes; none is closed."""
        self._frozen.set()

    def heal(self) -> None:
        """New connections work again. Those from before stay open and dead, as nobody remembers them."""
        self._frozen = threading.Event()

    def close(self) -> None:
        self._listener.close()
        for each in self._sockets:
            each.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.socket(socket.AF_UNIX)
                self._sockets += [client, server]
                try:
                    server.connect(str(self._target))
                except OSError:
                    client.close()
                    continue
                for source, sink in ((client, server), (server, client)):
                    threading.Thread(target=_pump, args=(source, sink, self._frozen), daemon=True).start()


def _pump(source: socket.socket, sink: socket.socket, frozen: threading.Event) -> None:
    with suppress(OSError):
        while received := source.recv(65_536):
            if not frozen.is_set():
                sink.sendall(received)
    if not frozen.is_set():
        for each in (source, sink):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)


@contextmanager
def passage_to(target: Path) -> Iterator[Passage]:
    passage = Passage(target)
    try:
        yield passage
    finally:
        passage.close()
