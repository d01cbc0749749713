"""Opened exports as the one file that an import is about."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from spotify_insights.spotify_export.archive import Export
from spotify_insights.spotify_export.entry import ExportBatch

# Larger ones are slower to read, and take more memory.
BATCH_ROWS: Final = 8_000


@dataclass
class OpenedExports:
    """One export, or several that are imported together.

    Attributes:
        name: what its owner calls it.
        size_bytes: as it lies on disk.
        now: the present moment, for telling plays from nonsense.
        bytes_done: how much of `total_bytes` has been read, up to the batch that was given last.
    """

    exports: Sequence[Export]
    name: str
    size_bytes: int
    now: datetime
    bytes_done: int = field(default=0, init=False)

    @property
    def total_bytes(self) -> int:
        """Of all history files, unpacked."""
        return sum(export.total_bytes for export in self.exports)

    def batches(self) -> Iterator[ExportBatch]:
        """All rows, one export after the other. Raises as `Export.batches`."""
        before = 0
        for export in self.exports:
            begins: dict[str, int] = {}
            for file in export.files:
                begins[file.name] = before
                before += file.size
            for batch in export.batches(now=self.now, rows=BATCH_ROWS):
                self.bytes_done = begins[batch.file_name] + batch.bytes_read
                yield batch
