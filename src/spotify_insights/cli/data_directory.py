"""Where data goes when nobody says where."""

import os
import sys
from pathlib import Path

from spotify_insights.embedded.unprivileged import unprivileged_identity


def default_data_dir(name: str) -> Path:
    """The folder `name` where this system keeps a user's application data.

    That is XDG_DATA_HOME or ~/.local/share (XDG Base Directory Specification), on macOS
    ~/Library/Application Support. Root, where PostgreSQL has to run as another user who may not enter root's
    home, gets /var/lib instead. Raises SetupError if PostgreSQL could not run as anybody.
    """
    if sys.platform == "darwin":
        usual = Path.home() / "Library" / "Application Support"
    else:
        given = os.environ.get("XDG_DATA_HOME", "")
        # The specification: a relative path is invalid and to be ignored.
        usual = Path(given) if Path(given).is_absolute() else Path.home() / ".local" / "share"
    if os.geteuid() != 0 or unprivileged_identity().reaches([_nearest_existing(usual)]):
        return usual / name
    return Path("/var/lib") / name


def _nearest_existing(path: Path) -> Path:
    return next(folder for folder in (path, *path.parents) if folder.is_dir())
