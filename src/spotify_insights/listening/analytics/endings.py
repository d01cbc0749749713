"""How tracks ended: skipped, or played to the end, each where it is known."""

import numpy as np
from numpy.typing import NDArray

from spotify_insights.listening.analytics.columns import PLAYED_TO_END, SKIPPED, PlayColumns, TrackColumns


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
    """Completed plays by the plays of which it is known whether they were, and the number of these.

    A play is complete when the source says that the track ended by itself, or when as much was played as
    the track is long. It is known when the source says how the track ended, or when both the time played
    and the length are known. The length is a measure here, never a time heard.
    """
    length = tracks.duration_ms[plays.track]
    measured = (length > 0) & (plays.ms_played >= 0)
    told = (plays.flags & (SKIPPED | PLAYED_TO_END)) != 0
    complete = ((plays.flags & PLAYED_TO_END) != 0) | (measured & (plays.ms_played >= length))
    known = int(np.count_nonzero(told | measured))
    return (int(np.count_nonzero(complete)) / known if known else None), known
