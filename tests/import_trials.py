"""Importing in tests without a zip: batches as the parser gives them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from spotify_insights.database.actor import SYSTEM, Actor
from spotify_insights.listening.imports.import_history import HistoryImport, Imported
from spotify_insights.listening.imports.undo import undo_import
from spotify_insights.runtime import Runtime
from spotify_insights.spotify_export.entry import ExportBatch


@dataclass(frozen=True)
class BatchFile:
    """An opened export that holds these batches."""

    given: Sequence[ExportBatch]
    name: str = "my_spotify_data.zip"
    size_bytes: int = 1000

    def batches(self) -> Iterable[ExportBatch]:
        return iter(self.given)


def import_file(runtime: Runtime, user_id: UUID, file: BatchFile) -> Imported:
    importing = HistoryImport(runtime.database, Actor.listener(user_id), user_id, file)
    with importing.leaving_nothing(), runtime.database.transaction(acting_for=Actor.listener(user_id)) as tx:
        return importing.run(tx)


def undo(runtime: Runtime, user_id: UUID, import_id: UUID | None) -> dict[str, int]:
    assert import_id is not None
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        return undo_import(tx, user_id, import_id)
