"""`keys status`: every key, and what it has sealed."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from rich.table import Table

from spotify_insights.cli.jobs.printing import console_for_people, print_json
from spotify_insights.cli.jobs.words import plain
from spotify_insights.cli.keys.operator_keys import OperatorKeys, operator_database
from spotify_insights.cli.which_database import WhichDatabase
from spotify_insights.installation.sealed_columns import SealedValues, count_sealed_values
from spotify_insights.security.key_ring import KeyRing

_NOT_SEALED: Final = "(none)"


def show_status(data_dir: Path | None, *, demo: bool, as_json: bool) -> None:
    """Print the keys of the ring, and those that stored values need besides.

    Raises:
        SetupError: there is no such ring or database.
        UnavailableError: the database does not answer.
    """
    which = WhichDatabase(data_dir=data_dir, demo=demo)
    ring = OperatorKeys.of(which).source.ring()
    with operator_database(which) as database, database.transaction() as tx:
        counted = count_sealed_values(tx.session)
    documents = key_documents(ring, counted)
    if as_json:
        print_json({"primary": ring.primary, "keys": documents})
        return
    lines = Table(box=None, pad_edge=False)
    for heading in ("KEY", "STATE", "SEALED", "WHERE"):
        lines.add_column(heading, justify="right" if heading == "SEALED" else "left")
    for document in documents:
        places = ", ".join(f"{values} {place}" for place, values in document["places"].items())
        lines.add_row(
            plain(document["key_id"] or _NOT_SEALED),
            document["state"],
            str(document["sealed"]),
            places or "-",
        )
    console_for_people().print(lines)


def key_documents(ring: KeyRing, counted: Sequence[SealedValues]) -> list[dict[str, Any]]:
    """A JSON object for each key; `state` is primary, needed, can be retired, or missing from the ring."""
    documents = []
    known: list[str | None] = list(ring.keys)
    others = {each.key_id for each in counted} - set(known)
    for key_id in (*known, *sorted(others, key=str)):
        places = {each.place.name: each.values for each in counted if each.key_id == key_id}
        documents.append(
            {
                "key_id": key_id,
                "state": _state(ring, key_id, is_used=bool(places)),
                "sealed": sum(places.values()),
                "places": places,
            }
        )
    return documents


def _state(ring: KeyRing, key_id: str | None, *, is_used: bool) -> str:
    if key_id == ring.primary:
        return "primary"
    if key_id not in ring.keys:
        return "missing"
    return "needed" if is_used else "can be retired"
