"""Reading the next batch while the database stores the one before."""

import threading
from collections.abc import Generator, Iterable
from queue import Empty, Queue
from typing import Final, TypeVar

_T = TypeVar("_T")

# One that is being read, and one that waits: more would only take more memory.
_AHEAD: Final = 1
_LOOK_SECONDS: Final = 0.5


class _End:
    """What stands behind the last item, and the error that it ended with."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


def read_ahead(items: Iterable[_T]) -> Generator[_T]:
    """The same items, read by a thread of their own a little before they are asked for.

    An error of the reading is raised where its item would have come. When the caller stops early, so does
    the reading, before the next item; close it for that.
    """
    waiting: Queue[_T | _End] = Queue(_AHEAD)
    over = threading.Event()

    def read() -> None:
        error: BaseException | None = None
        try:
            for item in items:
                waiting.put(item)
                if over.is_set():
                    return
        except BaseException as raised:  # noqa: BLE001  # it is raised again by whoever reads the items
            error = raised
        waiting.put(_End(error))

    reader = threading.Thread(target=read, name="reads ahead", daemon=True)
    reader.start()
    try:
        while not isinstance(item := waiting.get(), _End):
            yield item
        if item.error is not None:
            raise item.error
    finally:
        over.set()
        while reader.is_alive():
            # It may be waiting for room.
            _take_one(waiting)
            reader.join(_LOOK_SECONDS)


def _take_one(waiting: "Queue[_T | _End]") -> None:
    try:
        waiting.get_nowait()
    except Empty:
        return
