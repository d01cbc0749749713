"""The log file of one child process: kept from growing for ever, and read for its last words."""

import json
from contextlib import suppress
from pathlib import Path

_ROTATE_ABOVE_BYTES = 5_000_000
_READ_AT_MOST_BYTES = 64_000


def rotate(log: Path) -> None:
    """Set a large log aside as `<name>.1`, replacing the one from before."""
    with suppress(FileNotFoundError):
        if log.stat().st_size > _ROTATE_ABOVE_BYTES:
            log.replace(log.with_name(log.name + ".1"))


def last_meaningful_line(log: Path, *, begin: int) -> str:
    """The last line after byte `begin` that carries words; for a JSON line its `event`. Empty if none."""
    lines = meaningful_lines(log, begin=begin)
    return _sentence_in(lines[-1]) if lines else ""


def meaningful_lines(log: Path, *, begin: int) -> list[str]:
    """The lines after byte `begin` that carry words, or the last of them if there are very many."""
    try:
        with log.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(begin, size - _READ_AT_MOST_BYTES))
            lines = file.read().decode("utf-8", "replace").splitlines()
    except FileNotFoundError:
        return []
    # Rulers and the marks under a traceback have no letters.
    return [line.strip() for line in lines if any(character.isalpha() for character in line)]


def _sentence_in(line: str) -> str:
    if line.startswith("{"):
        with suppress(ValueError, TypeError):
            entry = json.loads(line)
            parts = (entry.get("event"), entry.get("error"))
            return ": ".join(str(part) for part in parts if part) or line
    return line
