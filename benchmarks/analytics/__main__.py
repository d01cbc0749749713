"""`python3 dev.py benchmark analytics [ROWS …]`: without numbers 50,000, 200,000 and 500,000 rows."""

import sys
from collections.abc import Callable, Iterator
from functools import partial
from urllib.parse import urlencode
from uuid import UUID

from rich.console import Console
from rich.table import Table

import spotify_insights.tables as _every_table_is_mapped  # noqa: F401  # foreign keys resolve
from benchmarks.analytics.api_process import ApiProcess, running_api
from benchmarks.analytics.changing_history import first_views
from benchmarks.installation import Installation, running_installation
from spotify_insights.clock import now
from spotify_insights.database.actor import SYSTEM, Actor
from spotify_insights.database.database import Database
from spotify_insights.database.role import DatabaseRole
from spotify_insights.listening.blocks.refresh import refresh_tracks
from spotify_insights.listening.imports.import_history import HistoryImport
from spotify_insights.listening.imports.opened_exports import OpenedExports
from spotify_insights.spotify_export.archive import open_export

MANY_CLIENTS = 32
_VIEWS: dict[str, dict[str, str]] = {
    "overview": {},
    "top": {},
    "top artists": {"of": "artists"},
    "top albums": {"of": "albums", "by": "time"},
    "clock": {},
    "calendar": {},
    "timeline": {},
    "moods": {},
    "moods/timeline": {},
    "moods/timeline by day": {"bucket": "day"},
    "sessions": {},
    "repetition": {},
    "compare": {},
}
_VIEWS_AFTER_A_PLAY: dict[str, dict[str, str]] = {"overview": {}, "top": {}, "clock": {}, "moods": {}}
_HAPPENED = ("nothing", "a play of a known song", "a play of a new song", "not in memory")
# Four of five tracks have features, as after an operator's catalogue.
_FEATURES = """
    INSERT INTO catalogue_features (spotify_id, catalogue_id, danceability, energy, valence, acousticness,
           instrumentalness, liveness, speechiness, tempo, loudness)
    SELECT spotify_id, 1, random(), random(), random(), random(), random(), random(), random(),
           80 + 80 * random(), -10 * random()
      FROM tracks WHERE spotify_id IS NOT NULL AND random() < 0.8
        ON CONFLICT DO NOTHING
"""


def main(sizes: list[int]) -> None:
    """Import a history of each size, ask for every view of a year and of all time, and print two tables."""
    views = Table("rows", "view", "period", "p50 ms", "p95 ms", f"p95 of {MANY_CLIENTS}", "CPU ms")
    firsts = Table("rows", "view", "period", *(f"{each} p50, p95" for each in _HAPPENED))
    with running_installation() as installation:
        listeners = {rows: _imported(installation, rows) for rows in sizes}
        database = Database(installation.database_url, role=DatabaseRole.WORKER)
        with running_api(installation) as api:
            for rows, user_id in listeners.items():
                for view, period, address in _addresses(_VIEWS):
                    views.add_row(f"{rows:,}", view, period, *_figures(api, address(user_id)))
                for view, period, address in _addresses(_VIEWS_AFTER_A_PLAY):
                    seen = first_views(api, installation, database, user_id, address)
                    loads = (seen.nothing, seen.known_song, seen.new_song, seen.cold)
                    told = (f"{load.percentile(0.5):.1f}, {load.percentile(0.95):.1f}" for load in loads)
                    firsts.add_row(f"{rows:,}", view, period, *told)
    console = Console()
    console.print("Views of a history whose columns are in memory; no answer is held anywhere.")
    console.print(views)
    console.print("CPU: of the API and PostgreSQL together, for each request of one client.")
    console.print("The first view after something happened, in milliseconds, one client.")
    console.print(firsts)


def _addresses(views: dict[str, dict[str, str]]) -> Iterator[tuple[str, str, Callable[[UUID], str]]]:
    """Each view of each period, and its address for a listener."""
    for view, given in views.items():
        for period in ("year", "all_time"):
            yield view, period, partial(_address, view, {**given, "period": period})


def _address(view: str, given: dict[str, str], user_id: UUID) -> str:
    return f"/api/listening/{view.partition(' ')[0]}?{urlencode({**given, 'user_id': str(user_id)})}"


def _figures(api: ApiProcess, address: str) -> list[str]:
    # Once by all: the first of many open connections to the database, which stay.
    api.load(address, clients=MANY_CLIENTS, requests=MANY_CLIENTS)
    alone = api.load(address, clients=1, requests=60)
    crowd = api.load(address, clients=MANY_CLIENTS, requests=MANY_CLIENTS * 8)
    return [
        f"{alone.percentile(0.5):.1f}",
        f"{alone.percentile(0.95):.1f}",
        f"{crowd.percentile(0.95):.0f}",
        f"{alone.cpu_ms:.1f}",
    ]


def _imported(installation: Installation, rows: int) -> UUID:
    user_id = installation.a_listener()
    path = installation.an_export(rows)
    database = Database(installation.database_url, role=DatabaseRole.WORKER)
    actor = Actor.listener(user_id)
    with path.open("rb") as content:
        file = OpenedExports([open_export(content, path.name)], path.name, path.stat().st_size, now())
        importing = HistoryImport(database, actor, user_id, file)
        with importing.leaving_nothing(), database.transaction(acting_for=actor) as tx:
            importing.run(tx)
    with installation.as_owner() as connection:
        connection.execute(_FEATURES)
    with database.transaction(acting_for=SYSTEM) as tx:
        refresh_tracks(tx.session, user_id)
    return user_id


if __name__ == "__main__":
    main([int(size) for size in sys.argv[1:]] or [50_000, 200_000, 500_000])
