"""How tracks ended: skipped, or played to the end, each where it is known."""

import numpy as np
from numpy.typing import NDArray

from spotify_insights.listening.analytics.columns import (
    COMPLETE,
    COMPLETION_KNOWN,
    PLAYED_TO_END,
    SKIPPED,
    PlayColumns,
    TrackColumns,
)


def skips_in(flags: NDArray[np.uint8]) -> int:
    """Rows that the source calls skipped, whatever else it says of them."""
    return int(np.count_nonzero(flags & SKIPPED))


def skip_rate_of(flags: NDArray[np.uint8]) -> tuple[float | None, int]:
    """Skipped rows by the rows that the source calls skipped or played to the end, and the number of these.

    Rows that ended otherwise (the app was closed, another track was chosen), and those of sources that do
    not tell, are neither. None where no row is known.
    """
    known = int(np.count_nonzero(flags & (SKIPPED | PLAYED_TO_END)))
    return (skips_in(flags) / known if known else None), known


def completion_rate_of(plays: PlayColumns, tracks: TrackColumns) -> tuple[float | None, int]:
    """Complete plays by the plays of which it is known whether they were, and the number of these.

    See `PlayColumns.completions`.
    """
    completions = plays.completions(tracks)
    known = int(np.count_nonzero(completions & COMPLETION_KNOWN))
    return (int(np.count_nonzero(completions & COMPLETE)) / known if known else None), known
