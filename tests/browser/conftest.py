"""A real Chromium, and installations that it can reach."""

from browser_windows import address, chromium, open_address, open_window, pictures

__all__ = ["address", "chromium", "open_address", "open_window", "pictures"]
