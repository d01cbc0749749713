"""Code under test that sets up the logs of its process, which is the test's here."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def untouched_logging() -> Iterator[None]:
    """Afterwards every logger is as it was before."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    levels = {name: logging.getLogger(name).level for name in list(root.manager.loggerDict)}
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        for name in list(root.manager.loggerDict):
            logging.getLogger(name).setLevel(levels.get(name, logging.NOTSET))
