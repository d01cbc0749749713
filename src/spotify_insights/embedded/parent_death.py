"""A process that must not outlive the one that started it.

On Linux the kernel keeps the promise: PR_SET_PDEATHSIG in prctl(2). It survives execve(2), but not a change
of credentials, so a process changes its user first and asks afterwards. Elsewhere a thread looks every
second whether the parent is still the same.
"""

import ctypes
import os
import signal
import sys
import threading
import time

_PR_SET_PDEATHSIG = 1
_LOOK_EVERY_SECONDS = 1.0


def die_with_parent(death_signal: signal.Signals, *, parent: int | None = None) -> None:
    """Have this process receive `death_signal` as soon as its parent is gone, however that ended.

    `parent` is the process id of the parent as the parent itself knew it; with it, a parent that died before
    this call is noticed too. Without it the present parent is meant. Calling again replaces the signal.

    Linux counts the *thread* that forked as the parent: start such processes from a thread that lives as long
    as the process, which is the main thread. A forked child does not inherit the request and asks for itself.

    Raises OSError where the kernel refuses.
    """
    expected = os.getppid() if parent is None else parent
    if sys.platform == "linux":
        _ask_the_kernel(death_signal)
    else:
        threading.Thread(
            target=watch_parent, args=(death_signal, expected), name="watch-parent", daemon=True
        ).start()
    if os.getppid() != expected:
        os.kill(os.getpid(), death_signal)


def watch_parent(death_signal: signal.Signals, parent: int) -> None:
    """Send this process `death_signal` once its parent is no longer `parent`; blocks until then."""
    while os.getppid() == parent:
        time.sleep(_LOOK_EVERY_SECONDS)
    os.kill(os.getpid(), death_signal)


def _ask_the_kernel(death_signal: signal.Signals) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, ctypes.c_ulong(death_signal), 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
