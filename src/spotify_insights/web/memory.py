"""How this process gets memory from the system, set for many large arrays that live for a moment."""

import ctypes
import os
import sys
from typing import Final

# Numbers of mallopt(3), which no header tells Python.
_TRIM_THRESHOLD: Final = -1
_MMAP_THRESHOLD: Final = -3
_MIB: Final = 2**20


def keep_freed_memory() -> None:
    """Let the C library keep what arrays gave back, for the next ones. For glibc; nothing happens elsewhere.

    By itself it maps each array of 128 KiB or more anew and returns it at once, so that every view would get
    all its pages from the system again, one fault for each: a third of its time. 32 MiB is the most that
    mallopt takes, and more than the array of any view.
    """
    if sys.platform != "linux" or not _is_glibc():
        return
    library = ctypes.CDLL(None)
    library.mallopt(_MMAP_THRESHOLD, 32 * _MIB)
    library.mallopt(_TRIM_THRESHOLD, 128 * _MIB)


def _is_glibc() -> bool:
    try:
        return (os.confstr("CS_GNU_LIBC_VERSION") or "").startswith("glibc")
    except (ValueError, OSError):
        return False
