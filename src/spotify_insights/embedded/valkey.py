"""A Valkey server of our own, which speaks Redis' protocol through a unix socket in the data folder."""

import os
import shutil
import signal
import socket
from typing import ClassVar
from urllib.parse import quote

from typing_extensions import override

from spotify_insights.embedded.binaries import find_valkey
from spotify_insights.embedded.child_process import ChildProcess
from spotify_insights.embedded.data_folder import DataFolder

# How Valkey says that its own files are beyond its repair (aof.c, rdb.c).
_DAMAGE = ("append only file", "append-only file", "AOF", "RDB", "loading the DB")


class EmbeddedValkey(ChildProcess):
    """Valkey on the data of `folder`, which must be entered (and thus locked).

    It holds messages and caches, all of which the database can replace: files that a crash damaged beyond
    Valkey's own repair are set aside as `valkey.damaged`, and it starts empty rather than not at all.
    `durable=False` keeps nothing on disk.
    """

    stop_steps = ((signal.SIGTERM, 10.0), (signal.SIGKILL, 5.0))
    death_signal: ClassVar[signal.Signals] = signal.SIGTERM

    def __init__(self, folder: DataFolder, *, durable: bool = True) -> None:
        self._folder = folder
        self._has_recovered = False
        self._socket = folder.sockets / "valkey.sock"
        settings = {
            "port": "0",
            "unixsocket": str(self._socket),
            "unixsocketperm": "700",
            "dir": str(folder.valkey),
            "pidfile": str(folder.run / "valkey.pid"),
            "save": "",  # the append-only file is the record
            "appendonly": "yes" if durable else "no",
            "appendfsync": "everysec",
            "aof-load-truncated": "yes",
            # Queues must not be thrown out to make room for caches.
            "maxmemory-policy": "noeviction",
        }
        options = [part for name, value in settings.items() for part in (f"--{name}", value)]
        super().__init__(
            "Valkey",
            [str(find_valkey()), *options],
            log=folder.logs / "valkey.log",
            environment={"LC_ALL": "C", "TZ": "UTC"},
            keep_open=[folder.lock_descriptor],
        )

    @property
    def url(self) -> str:
        """Database 0, in the form that redis-py takes."""
        return f"unix://{quote(os.fsencode(self._socket), safe='/')}?db=0"

    @override
    def prepare(self) -> None:
        self._folder.valkey.mkdir(mode=0o700, exist_ok=True)
        self._socket.unlink(missing_ok=True)

    @override
    def is_ready(self) -> bool:
        # While it reads its files it answers -LOADING instead.
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(1.0)
                connection.connect(str(self._socket))
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False

    @override
    def recover(self) -> bool:
        if self._has_recovered or not any(sign in self.last_words() for sign in _DAMAGE):
            return False
        self._has_recovered = True
        damaged = self._folder.path / "valkey.damaged"
        shutil.rmtree(damaged, ignore_errors=True)
        self._folder.valkey.rename(damaged)
        return True
