"""How this process gets memory from the system and gives it back."""

import ctypes
import gc
import os
import sys
from collections.abc import Mapping
from typing import Final

# Numbers of mallopt(3), which no header tells Python.
_TRIM_THRESHOLD: Final = -1
_MMAP_THRESHOLD: Final = -3
_ARENA_MAX: Final = -8
_MIB: Final = 2**20


def keep_freed_memory() -> None:
    """Let the C library keep what arrays gave back, for the next ones. For glibc; nothing happens elsewhere.

    By itself it maps each array of 128 KiB or more anew and returns it at once, so that every view would get
    all its pages from the system again, one fault for each: a third of its time. 32 MiB is the most that
    mallopt takes, and more than the array of any view.
    """
    _set({_MMAP_THRESHOLD: 32 * _MIB, _TRIM_THRESHOLD: 128 * _MIB})


def share_freed_memory() -> None:
    """Let each thread use what others gave back. For glibc; nothing happens elsewhere.

    By itself it gives each thread memory of its own, and what one has used and freed is lost to the others:
    some megabytes, where a thread reads a file and another stores it.
    """
    _set({_ARENA_MAX: 1})


def leave_what_stays_alone() -> None:
    """Keep the garbage collector from what will live as long as this process: to be called once it serves.

    Each full collection would look through all modules, routes and schemas, find nothing, and stop every
    request for a sixth of a second, about once in a thousand of them. See gc.freeze in Python's manual.
    """
    gc.collect()
    gc.freeze()


def _set(options: Mapping[int, int]) -> None:
    if sys.platform != "linux" or not _is_glibc():
        return
    library = ctypes.CDLL(None)
    for option, value in options.items():
        library.mallopt(option, value)


def _is_glibc() -> bool:
    try:
        return (os.confstr("CS_GNU_LIBC_VERSION") or "").startswith("glibc")
    except (ValueError, OSError):
        return False
