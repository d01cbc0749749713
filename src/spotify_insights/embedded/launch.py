"""What a child does between its birth and its program: become somebody, bind its life to ours, exec.

This runs in a small interpreter of its own (`python -I -S`), never between fork and exec of a large one:
that keeps threads of the parent out of the game, and the kernel's promises survive the exec that follows.
It must import nothing outside the standard library, and start fast.
"""

import ctypes
import os
import signal
import sys

from spotify_insights.embedded.parent_death import die_with_parent

_CLONE_NEWUSER = 0x10000000

# Shells use the same two numbers for "found but not executable" and "not found".
CANNOT_BECOME = 126
CANNOT_EXECUTE = 127


def launch() -> None:
    """Replace this interpreter by the program in `sys.argv`: PARENT SIGNAL IDENTITY PROGRAM [ARGUMENT...].

    PARENT is the process id of the starting process, SIGNAL what this child gets when that one dies, IDENTITY
    what `become` takes. Exits 126 or 127 with one line on stderr where that is impossible.
    """
    parent, death_signal, identity, *command = sys.argv[1:]
    try:
        become(identity)
        if sys.platform == "linux":  # elsewhere the promise is a thread, which would not survive the exec
            die_with_parent(signal.Signals(int(death_signal)), parent=int(parent))
    except OSError as error:
        sys.stderr.write(f"cannot start {command[0]} as {identity}: {error.strerror}\n")
        sys.exit(CANNOT_BECOME)
    try:
        os.execv(command[0], command)  # noqa: S606  (no shell is wanted here)
    except OSError as error:
        sys.stderr.write(f"cannot execute {command[0]}: {error.strerror}\n")
        sys.exit(CANNOT_EXECUTE)


def probe() -> None:
    """Exit 0 if we may become `sys.argv`'s IDENTITY, and it can enter or run each PATH that follows."""
    identity, *paths = sys.argv[1:]
    try:
        become(identity)
    except OSError:
        sys.exit(1)
    sys.exit(0 if all(os.access(path, os.R_OK | os.X_OK) for path in paths) else 1)


def become(identity: str) -> None:
    """Change who this process is, for good.

    `self` changes nothing. `namespace:UID:GID` enters a new user namespace (user_namespaces(7)) in which the
    present user is called UID: root outside is not root inside, and owns its files still. `user:UID:GID`
    becomes that user outright. Raises OSError where that is not allowed.
    """
    kind, *numbers = identity.split(":")
    if kind == "namespace":
        _enter_user_namespace(*map(int, numbers))
    elif kind == "user":
        uid, gid = map(int, numbers)
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)


def _enter_user_namespace(uid: int, gid: int) -> None:
    outer_uid, outer_gid = os.geteuid(), os.getegid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWUSER) != 0:  # os.unshare came with Python 3.12
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    # Writing one's own group map is allowed only after giving up setgroups(2).
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{uid} {outer_uid} 1"),
        ("gid_map", f"{gid} {outer_gid} 1"),
    ):
        with open(f"/proc/self/{name}", "w", encoding="ascii") as file:  # noqa: PTH123  (pathlib is slow to import)
            file.write(text)
