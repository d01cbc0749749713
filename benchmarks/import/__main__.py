"""`python3 dev.py benchmark import [ROWS …]`: without numbers 50,000, 200,000 and 500,000 rows."""

import io
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from rich.console import Console
from rich.table import Table

import spotify_insights.tables as _every_table_is_mapped  # noqa: F401  # foreign keys resolve
from benchmarks.installation import Installation, running_installation
from spotify_insights.database.actor import SYSTEM
from spotify_insights.database.database import Database
from spotify_insights.database.role import DatabaseRole
from spotify_insights.listening.imports.undo import undo_import

_COLUMNS = (
    "user_id, track_id, ended_at, ms_played, source, platform, country, reason_start, reason_end, shuffle,"
    " skipped, offline, private_session, is_video, time_uncertain"
)
# The same indexes as the real table has; its checks as they are, or as PostgreSQL's own foreign keys.
_BARE = "CREATE TABLE bare (LIKE plays INCLUDING ALL)"
_TRIGGERS = """
    CREATE TRIGGER plays_refer_to_rows AFTER INSERT ON bare REFERENCING NEW TABLE AS added
       FOR EACH STATEMENT EXECUTE FUNCTION refuse_plays_of_nothing()
"""
_FOREIGN_KEYS = """
    ALTER TABLE bare ADD FOREIGN KEY (track_id) REFERENCES tracks, ADD FOREIGN KEY (user_id) REFERENCES users
"""


def main(sizes: list[int]) -> None:
    """Import, import again, copy the same rows, undo: for each size in a new history, and print a table."""
    console = Console()
    table = Table(
        *("rows", "import s", "rows/s", "CPU s", "peak MB", "again s"),
        *("COPY s", "ratio", "with keys s", "ratio", "undo s"),
    )
    with running_installation() as installation:
        for rows in sizes:
            table.add_row(*_figures(installation, rows))
    console.print(table)
    console.print(
        "COPY: of the same rows into a table with the same indexes and triggers, or with foreign keys"
        " instead; ratio: its time by the import's; peak of the importing process, libraries included"
    )


def _figures(installation: Installation, rows: int) -> list[str]:
    user_id = installation.a_listener()
    path = installation.an_export(rows)
    first = _imported(installation, user_id, path)
    again = _imported(installation, user_id, path)
    kept = again["receipt"]
    if kept["plays"] + kept["skips"] + kept["podcasts"] + kept["audiobooks"]:
        raise SystemExit("The second import has added something.")
    copied, copied_with_keys = (
        _copied(installation, user_id, checks) for checks in (_TRIGGERS, _FOREIGN_KEYS)
    )
    undone = _undone(installation, user_id, [again["import_id"], first["import_id"]])
    return [
        f"{rows:,}",
        f"{first['seconds']:.2f}",
        f"{rows / first['seconds']:,.0f}",
        f"{first['cpu_seconds']:.2f}",
        f"{first['peak_mb']:.0f}",
        f"{again['seconds']:.2f}",
        f"{copied:.2f}",
        f"{copied / first['seconds']:.2f}",
        f"{copied_with_keys:.2f}",
        f"{copied_with_keys / first['seconds']:.2f}",
        f"{undone:.2f}",
    ]


def _imported(installation: Installation, user_id: UUID, path: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.import.one_import", installation.database_url]
    done = subprocess.run(  # noqa: S603  # ourselves
        [*command, str(user_id), str(path)], check=True, capture_output=True, text=True
    )
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


def _copied(installation: Installation, user_id: UUID, checks: str) -> float:
    content = io.BytesIO()
    with installation.as_owner() as connection:
        with connection.cursor().copy(
            f"COPY (SELECT {_COLUMNS} FROM plays WHERE user_id = '{user_id}' ORDER BY id) TO STDOUT"  # noqa: S608
        ) as copy:
            for piece in copy:
                content.write(piece)
        connection.execute(_BARE)
        connection.execute(checks.encode())
        began = time.perf_counter()
        with connection.cursor().copy(f"COPY bare ({_COLUMNS}) FROM STDIN") as copy:
            copy.write(content.getvalue())
        seconds = time.perf_counter() - began
        # Foreign keys would keep tracks from being forgotten.
        connection.execute("DROP TABLE bare")
        return seconds


def _undone(installation: Installation, user_id: UUID, import_ids: list[str]) -> float:
    database = Database(installation.database_url, role=DatabaseRole.WORKER)
    seconds = 0.0
    for import_id in import_ids:
        began = time.perf_counter()
        with database.transaction(acting_for=SYSTEM) as tx:
            undo_import(tx, user_id, UUID(import_id))
        seconds = time.perf_counter() - began
    with psycopg.connect(installation.database_url, options="-c app.actor_role=migration") as connection:
        left = connection.execute("SELECT count(*) FROM plays WHERE user_id = %s", [user_id]).fetchone()
    if left != (0,):
        raise SystemExit("Undoing has left something.")
    return seconds


if __name__ == "__main__":
    main([int(size) for size in sys.argv[1:]] or [50_000, 200_000, 500_000])
