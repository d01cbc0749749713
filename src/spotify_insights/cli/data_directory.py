"""Where data goes when nobody says where."""

import os
import sys
from pathlib import Path


def default_data_dir(name: str) -> Path:
    """The folder `name` where this system keeps a user's application data.

    That is XDG_DATA_HOME or ~/.local/share (XDG Base Directory Specification), on macOS
    ~/Library/Application Support.
    """
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / name
    given = os.environ.get("XDG_DATA_HOME", "")
    # The specification: a relative path is invalid and to be ignored.
    parent = Path(given) if Path(given).is_absolute() else Path.home() / ".local" / "share"
    return parent / name
