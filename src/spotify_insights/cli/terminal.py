"""Lines for the person at the terminal. One that went away is no reason to fall."""

import os
import sys
import webbrowser
from contextlib import suppress


def say(line: str) -> None:
    """Show a line at once, also through a pipe."""
    with suppress(OSError):
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()


def complain(sentence: str) -> None:
    """Show why something ended."""
    with suppress(OSError):
        sys.stderr.write(f"{sentence}\n")
        sys.stderr.flush()


def show_in_browser(address: str) -> None:
    """Open the person's browser, where there is a screen; a text browser would take over the terminal."""
    has_screen = sys.platform == "darwin" or any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY")
    )
    if has_screen:
        with suppress(webbrowser.Error, OSError):
            webbrowser.open(address)
