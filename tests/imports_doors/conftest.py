"""Imports by listeners of installations with and without sign-in."""

from access_trials import required_client
from browser_windows import address, chromium, open_window, pictures

__all__ = ["address", "chromium", "open_window", "pictures", "required_client"]
