"""One import in a process of its own, which tells on standard output what it took."""

import json
import resource
import sys
import time
from pathlib import Path
from uuid import UUID

import spotify_insights.tables as _every_table_is_mapped  # noqa: F401  # foreign keys resolve
from spotify_insights.clock import now
from spotify_insights.database.actor import Actor
from spotify_insights.database.database import Database
from spotify_insights.database.role import DatabaseRole
from spotify_insights.listening.imports.import_history import HistoryImport
from spotify_insights.listening.imports.opened_exports import OpenedExports
from spotify_insights.listening.imports.tell_planner import tell_planner
from spotify_insights.memory import share_freed_memory
from spotify_insights.spotify_export.archive import open_export


def main(database_url: str, user_id: UUID, path: Path) -> None:
    """Import the file, from opening it to the commit."""
    share_freed_memory()
    database = Database(database_url, role=DatabaseRole.WORKER)
    actor = Actor.listener(user_id)
    with database.transaction(acting_for=actor):
        pass
    began, cpu = time.perf_counter(), time.process_time()
    with path.open("rb") as content:
        file = OpenedExports([open_export(content, path.name)], path.name, path.stat().st_size, now())
        importing = HistoryImport(database, actor, user_id, file)
        with importing.leaving_nothing(), database.transaction(acting_for=actor) as tx:
            done = importing.run(tx)
    figures = {
        "seconds": time.perf_counter() - began,
        "cpu_seconds": time.process_time() - cpu,
        "peak_mb": _peak_bytes() / 2**20,
        "import_id": str(done.import_id),
        "receipt": done.receipt.document,
    }
    tell_planner(database, done.receipt)
    sys.stdout.write(json.dumps(figures))


def _peak_bytes() -> int:
    """The most memory that this process has held.

    ru_maxrss would also count what its parent held when it was forked, see getrusage(2).
    """
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    main(sys.argv[1], UUID(sys.argv[2]), Path(sys.argv[3]))
