"""What an export says about itself: a schema for programs, and plain words for people."""

import textwrap
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from spotify_insights.database.personal_data import PersonalTable

SCHEMA_FILE: Final = "schema.json"
_WIDTH: Final = 78


def export_schema(inventory: Iterable[PersonalTable]) -> dict[str, Any]:
    """One JSON Schema (draft 2020-12) whose properties are the files, each under its name."""
    files = {f"{table.topic}.json": table.schema for table in inventory if table.topic is not None}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Export of a listener's data",
        "description": "Each property is a file of the export and describes its content.",
        "type": "object",
        "properties": files,
        "required": list(files),
        "additionalProperties": False,
    }


def export_readme(inventory: Iterable[PersonalTable], *, made_at: datetime) -> str:
    """What is in the export and what is not, with the reasons."""
    tables = list(inventory)
    given = [table for table in tables if table.topic is not None]
    lines = [
        "Your data",
        "=========",
        "",
        _filled(
            f"This archive was made on {made_at:%d %B %Y at %H:%M} UTC. It holds everything that this "
            "installation stores about you. Each file is a list in JSON, one entry for each thing; "
            f"{SCHEMA_FILE} describes them for programs (JSON Schema). A file with an empty list means that "
            "nothing of the kind is stored. Moments are given with their offset from UTC."
        ),
        "",
        "What is in it",
        "-------------",
        "",
    ]
    lines += [_item(f"{table.topic}.json", table.about) for table in given]
    lines += ["", "What is not in it, and why", "--------------------------", ""]
    for table in tables:
        place = f"{table.topic}.json" if table.topic else table.about.rstrip(".")
        lines += [
            _item(place if column == "*" else f"{column} in {place}", reason)
            for column, reason in table.withheld.items()
        ]
    return "\n".join(lines) + "\n"


def _filled(words: str) -> str:
    return textwrap.fill(words, _WIDTH)


def _item(name: str, words: str) -> str:
    return textwrap.fill(f"- {name}: {words}", _WIDTH, subsequent_indent="  ", break_long_words=False)
