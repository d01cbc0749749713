"""Moments, sizes and browsers as people read them."""

import re
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from markupsafe import Markup

_BROWSERS: Final = (
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox", "Firefox"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
_SYSTEMS: Final = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "Mac"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)
_ADDRESS: Final = re.compile(r"(https?://[^\s<>\"]+[^\s<>\".,:;])")
_UNITS: Final = ("bytes", "KB", "MB", "GB")


def day_of(moment: str, timezone: str) -> str:
    """The day of an RFC 3339 moment where the listener is, such as "22 November 2026"."""
    local = _local(moment, timezone)
    return f"{local.day} {local:%B %Y}"


def moment_of(moment: str, timezone: str) -> str:
    """The day and time of an RFC 3339 moment where the listener is, such as "22 November 2026, 09:41"."""
    return f"{day_of(moment, timezone)}, {_local(moment, timezone):%H:%M}"


def size_of(size_bytes: int) -> str:
    """A file's size in the unit that fits, such as "482 KB"."""
    size, unit = float(size_bytes), 0
    while size >= 1000 and unit < len(_UNITS) - 1:
        size, unit = size / 1000, unit + 1
    return f"{size:.0f} {_UNITS[unit]}" if size >= 10 or unit == 0 else f"{size:.1f} {_UNITS[unit]}"


def breakable(address: str) -> Markup:
    """An address that a narrow page breaks behind `/` and `?`; copied, it is what it was."""
    return Markup("<wbr>").join(re.split(r"(?<=[/?])(?![/?])", address))


def with_addresses(sentence: str) -> Markup:
    """A sentence whose web addresses can be told from it, selected at once and broken."""
    parts = _ADDRESS.split(sentence)
    return Markup("").join(
        Markup('<code class="address">{}</code>').format(breakable(part)) if number % 2 else part
        for number, part in enumerate(parts)
    )


def browser_of(user_agent: str | None) -> str:
    """What somebody recognises their browser by, such as "Firefox on Linux". Only for show: browsers lie."""
    given = user_agent or ""
    browser = next((name for mark, name in _BROWSERS if re.search(rf"\b{mark}/", given)), None)
    system = next((name for mark, name in _SYSTEMS if mark in given), None)
    if browser is None:
        return given[:40] or "A program"
    return browser if system is None else f"{browser} on {system}"


def _local(moment: str, timezone: str) -> datetime:
    return datetime.fromisoformat(moment).astimezone(ZoneInfo(timezone))
