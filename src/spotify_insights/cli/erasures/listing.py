"""`erasures list`."""

import json
from pathlib import Path

from spotify_insights.cli.keys.operator_keys import operator_database
from spotify_insights.cli.terminal import say
from spotify_insights.cli.which_database import WhichDatabase
from spotify_insights.privacy.tombstones import tombstones


def show_erasures(data_dir: Path | None, *, demo: bool, as_json: bool) -> None:
    """Print every tombstone.

    Raises:
        SetupError: there is no such database.
        UnavailableError: it does not answer.
    """
    with operator_database(WhichDatabase(data_dir=data_dir, demo=demo)) as database:
        found = tombstones(database.database)
    if as_json:
        say(json.dumps([tombstone.model_dump(mode="json") for tombstone in found], indent=2))
        return
    for tombstone in found:
        end = f"{tombstone.finished_at:%Y-%m-%d %H:%M}" if tombstone.finished_at else "being erased"
        rows = sum(int(number) for number in tombstone.counts.values())
        say(f"{tombstone.requested_at:%Y-%m-%d %H:%M}  {end:16}  {rows:9} rows  {tombstone.user_hash}")
    if not found:
        say("Nobody was erased.")
