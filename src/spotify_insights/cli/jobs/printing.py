"""Where the jobs commands write: consoles for people and JSON for programs."""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from io import TextIOWrapper
from typing import Any, Final
from uuid import UUID

from rich.console import Console

from spotify_insights.jobs.overview import JobView

# A pipe has no edge at which lines would have to be cut.
_WITHOUT_EDGE: Final = 1000


def console_for_people() -> Console:
    """The terminal at its width; through a pipe, whole lines without colour."""
    if isinstance(sys.stdout, TextIOWrapper):
        # A bar that an old terminal cannot draw is no reason to fall.
        sys.stdout.reconfigure(errors="replace")
    is_terminal = sys.stdout.isatty()
    return Console(highlight=False, markup=False, emoji=False, width=None if is_terminal else _WITHOUT_EDGE)


def print_json(value: Any) -> None:
    """One JSON document on standard output; times are RFC 3339 in UTC."""
    sys.stdout.write(f"{json.dumps(value, indent=2, ensure_ascii=False)}\n")


def job_document(job: JobView, **more: Any) -> Mapping[str, Any]:
    """A job as a JSON object."""
    return {name: _json_value(value) for name, value in asdict(job).items()} | more


def job_documents(jobs: Sequence[JobView]) -> Sequence[Mapping[str, Any]]:
    """Jobs as JSON objects."""
    return [job_document(job) for job in jobs]


def _json_value(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return str(value) if isinstance(value, UUID) else value
