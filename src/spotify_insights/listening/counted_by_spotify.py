"""Which rows Spotify's list of recently played tracks would have, as a condition on `plays p`.

What counts as a play for a listener is another thing, and theirs to choose: see `analytics.play_rule`.
"""

from typing import Final

# Spotify counts a stream from 30 seconds on, and the list leaves shorter ones and private sessions out.
COUNTED: Final = (
    "NOT p.superseded AND NOT p.private_session AND (p.ms_played IS NULL OR p.ms_played >= 30000)"
)
