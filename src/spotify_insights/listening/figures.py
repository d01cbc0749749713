"""How complete the histories are, in numbers, for /metrics."""

from typing import Final

from spotify_insights.database.hot_read import HotRead

_FIGURES: Final = """
    SELECT json_build_object('gaps', known.gaps, 'listeners_with_gaps', known.listeners)::text
      -- It counts everybody's gaps and shows nobody's.
      FROM listening_gap_figures() AS known
"""


def listening_figures() -> HotRead:
    """`gaps` that are known and not closed by an import, and how many listeners have one."""
    return HotRead(_FIGURES, {})
