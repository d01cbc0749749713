"""PostgreSQL plans by what it last counted; while an import runs, it counts none of its plays."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import psycopg
import pytest

from as_owner import as_owner
from conftest import Servers
from makers import a_user
from spotify_insights.database.actor import Actor
from spotify_insights.listening.imports import tell_planner as tell_planner_module
from spotify_insights.listening.imports.import_history import HistoryImport
from spotify_insights.listening.imports.opened_exports import OpenedExports
from spotify_insights.listening.imports.tell_planner import tell_planner
from spotify_insights.pretend_spotify.privacy_export import write_extended_export
from spotify_insights.runtime import Runtime
from spotify_insights.spotify_export.archive import open_export

UNTIL = datetime(2026, 11, 1, tzinfo=UTC)


def import_generated(
    runtime: Runtime, user_id: UUID, path: Path, *, rows: int, meanwhile: Callable[[], None]
) -> UUID:
    """Import an invented export; `meanwhile` is done after each of its batches."""
    write_extended_export(path, rows=rows, seed=1, until=UNTIL)
    actor = Actor.listener(user_id)
    with path.open("rb") as content:
        file = OpenedExports([open_export(content, path.name)], path.name, path.stat().st_size, UNTIL)
        importing = HistoryImport(runtime.database, actor, user_id, file, lambda _batch: meanwhile())
        with importing.leaving_nothing(), runtime.database.transaction(acting_for=actor) as tx:
            imported = importing.run(tx)
    tell_planner(runtime.database, imported.receipt)
    return imported.import_id


def plays_the_planner_knows_of(servers: Servers) -> int:
    with psycopg.connect(servers.database_url) as connection:
        row = connection.execute("SELECT reltuples FROM pg_class WHERE oid = 'plays'::regclass").fetchone()
    assert row is not None
    return int(row[0])


def test_after_an_import_the_planner_knows_of_its_plays(
    runtime: Runtime, empty: Servers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tell_planner_module, "_MANY_ROWS", 100)
    counted_meanwhile: list[int] = []

    def count() -> None:
        as_owner(empty.database_url, "ANALYZE plays")
        counted_meanwhile.append(plays_the_planner_knows_of(empty))

    import_generated(runtime, a_user(runtime), tmp_path / "export.zip", rows=300, meanwhile=count)

    assert set(counted_meanwhile) == {0}
    assert 250 < plays_the_planner_knows_of(empty) <= 300
