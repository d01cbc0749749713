"""Listeners whose tokens are stored and refreshed all the time, in this process or another one.

As a program: `python token_writer.py LISTENER…` with the settings in the environment writes until its input
ends, and then prints what each of them should have.
"""

import json
import random
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from uuid import UUID

from pydantic import SecretStr

from spotify_insights.accounts.connect import store_tokens
from spotify_insights.database.actor import Actor
from spotify_insights.database.role import DatabaseRole
from spotify_insights.observability import configure_logging
from spotify_insights.runtime import Runtime
from spotify_insights.settings import Settings


class TokenWriter:
    """One thread that alone writes the tokens of its listeners and knows the last ones of each."""

    def __init__(self, runtime: Runtime, listeners: Sequence[UUID], *, refreshes: bool = False) -> None:
        self._runtime = runtime
        self._listeners = listeners
        self._refreshes = refreshes
        self._ended = threading.Event()
        self._failure: BaseException | None = None
        self.access_tokens: dict[UUID, str] = {}
        self.refresh_tokens: dict[UUID, str] = {}

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Write until the end of the block."""
        thread = threading.Thread(target=self._write)
        thread.start()
        try:
            yield
        finally:
            self._ended.set()
            thread.join()
        if self._failure is not None:
            raise self._failure

    def _write(self) -> None:
        number = 0
        try:
            while not self._ended.wait(0.005):
                number += 1
                user_id = random.choice(self._listeners)  # noqa: S311  # whose turn it is guards nothing
                if self._refreshes:
                    self._refresh(user_id)
                else:
                    self._store(user_id, number)
        except BaseException as failure:  # noqa: BLE001  # raised again by whoever started it
            self._failure = failure

    def _store(self, user_id: UUID, number: int) -> None:
        access_token, refresh_token = f"BQD-{user_id}-{number}", f"AQC-{user_id}-{number}"
        with self._runtime.database.transaction(acting_for=Actor.listener(user_id)) as tx:
            store_tokens(
                tx,
                self._runtime.sealer,
                user_id,
                access_token=SecretStr(access_token),
                refresh_token=SecretStr(refresh_token),
                expires_in=3600,
            )
        self.access_tokens[user_id], self.refresh_tokens[user_id] = access_token, refresh_token

    def _refresh(self, user_id: UUID) -> None:
        seen = self._runtime.tokens.current(user_id)
        renewed = self._runtime.tokens.renewed(user_id, seen_version=seen.version)
        # Nobody else refreshes them, and a rotation is no new version.
        assert renewed.version == seen.version + 1
        self.access_tokens[user_id] = renewed.token.get_secret_value()


def main() -> None:
    configure_logging("ERROR", "json")
    runtime = Runtime.from_settings(Settings.from_environment(), role=DatabaseRole.WORKER)
    writer = TokenWriter(runtime, [UUID(listener) for listener in sys.argv[1:]])
    with writer.writing():
        sys.stdout.write("writing\n")
        sys.stdout.flush()
        sys.stdin.read()
    runtime.close()
    sys.stdout.write(json.dumps({str(user_id): token for user_id, token in writer.access_tokens.items()}))


if __name__ == "__main__":
    main()
