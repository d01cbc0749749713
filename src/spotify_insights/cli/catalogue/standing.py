"""What is loaded, and taking it away."""

import json
from pathlib import Path

from spotify_insights.cli.catalogue.patient_database import patient_transaction
from spotify_insights.cli.terminal import say
from spotify_insights.cli.which_database import WhichDatabase
from spotify_insights.listening.features.load_catalogue import (
    CatalogueStatus,
    catalogue_status,
    unload_catalogue,
)


def show_status(data_dir: Path | None, *, demo: bool, as_json: bool) -> None:
    """Say what is loaded.

    Raises: as `operator_database`.
    """
    with patient_transaction(WhichDatabase(data_dir=data_dir, demo=demo)) as tx:
        status = catalogue_status(tx)
    say(_as_json(status) if as_json else _in_words(status))


def unload_named(name: str, data_dir: Path | None, *, demo: bool) -> None:
    """Take it away and say how much that was.

    Raises:
        NotFoundError: there is none of that name.
        SetupError, UnavailableError: as `operator_database`.
    """
    with patient_transaction(WhichDatabase(data_dir=data_dir, demo=demo)) as tx:
        rows = unload_catalogue(tx, name)
    say(f"The catalogue {name} is unloaded: {rows:,} tracks.")


def _as_json(status: CatalogueStatus) -> str:
    return json.dumps(
        {
            "catalogues": [
                {"name": each.name, "loaded_at": each.loaded_at.isoformat(), "rows": each.rows}
                for each in status.catalogues
            ],
            "tracks": status.tracks,
            "known": status.known,
        }
    )


def _in_words(status: CatalogueStatus) -> str:
    if not status.catalogues:
        return "No catalogue is loaded. `spotify-insights catalogue load FILE` loads one."
    lines = [
        f"{each.name}: {each.rows:,} tracks, loaded {each.loaded_at:%Y-%m-%d %H:%M} UTC"
        for each in status.catalogues
    ]
    share = f" ({status.known / status.tracks:.0%})" if status.tracks else ""
    lines.append(f"They know {status.known:,} of the {status.tracks:,} tracks of this installation{share}.")
    return "\n".join(lines)
