"""Who PostgreSQL runs as. It refuses root, so root lends it another name."""

import os
import pwd
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from spotify_insights.errors import SetupError

# The interpreter that runs `launch` sees the standard library and, after it, this package.
PACKAGE_ROOT = str(Path(__file__).parents[2])
_PRELUDE = "import sys; sys.path.append(sys.argv.pop(1)); from spotify_insights.embedded.launch import "


@dataclass(frozen=True, slots=True)
class Identity:
    """A user to run as: `form` is what `launch.become` takes, `uid` and `gid` own the files outside."""

    form: str
    uid: int
    gid: int

    def reaches(self, paths: Iterable[Path]) -> bool:
        """Whether we may become this user, and it can enter or run each of the paths. Asks by trying."""
        command = interpreter_for("probe", self.form, *map(str, paths))
        finished = subprocess.run(command, check=False, stderr=subprocess.DEVNULL)  # noqa: S603  (our own code)
        return finished.returncode == 0

    @property
    def is_somebody_else(self) -> bool:
        return self.form != "self"


def interpreter_for(entrance: str, *arguments: str) -> list[str]:
    """The command line that runs `entrance` of `embedded.launch` in an interpreter that starts fast."""
    return [sys.executable, "-I", "-S", "-c", f"{_PRELUDE}{entrance}; {entrance}()", PACKAGE_ROOT, *arguments]


def as_we_are() -> Identity:
    """The present user."""
    return Identity("self", os.geteuid(), os.getegid())


@cache
def unprivileged_identity() -> Identity:
    """Who PostgreSQL can run as here: the present user, or what root may lend it.

    Root prefers a user namespace: the server then is an ordinary user to itself and to the kernel's
    capability checks, and the files stay root's. Containers often forbid namespaces; there it is `nobody`.

    Raises SetupError where neither is allowed, or the present user has no name (PostgreSQL looks it up).
    """
    if os.geteuid() != 0:
        _require_a_name()
        return as_we_are()
    if sys.platform != "linux":
        raise SetupError("PostgreSQL does not run as root; start as an ordinary user.")
    for identity in (in_user_namespace(), as_nobody()):
        if identity.reaches([]):
            return identity
    raise SetupError(
        "PostgreSQL does not run as root, and root may not become another user here; "
        "start as an ordinary user, or set DATABASE_URL to a PostgreSQL server of your own."
    )


def in_user_namespace() -> Identity:
    """Root outside, `nobody` inside: files keep belonging to root, capabilities are gone."""
    nobody = _nobody()
    return Identity(f"namespace:{nobody.pw_uid}:{nobody.pw_gid}", os.geteuid(), os.getegid())


def as_nobody() -> Identity:
    """The system's `nobody`; its files must be given to it."""
    nobody = _nobody()
    return Identity(f"user:{nobody.pw_uid}:{nobody.pw_gid}", nobody.pw_uid, nobody.pw_gid)


def _nobody() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam("nobody")
    except KeyError:
        raise SetupError(
            "PostgreSQL does not run as root, and this system has no user nobody to run it as; "
            "start as an ordinary user, or set DATABASE_URL to a PostgreSQL server of your own."
        ) from None


def _require_a_name() -> None:
    uid = os.geteuid()
    try:
        pwd.getpwuid(uid)
    except KeyError:
        raise SetupError(
            f"PostgreSQL needs to know the name of its user, and user id {uid} has none on this system; "
            "add it to /etc/passwd, or set DATABASE_URL to a PostgreSQL server of your own."
        ) from None
