"""Which rows may be plays for a listener, as a condition on `plays p` and `users u`.

It finds whoever may have something to tell. `analytics.play_rule` decides, for it knows how long a track is.
"""

from typing import Final

from spotify_insights.listening.analytics.play_rule import LASTFM_SHORTEST_TRACK_MS, SPOTIFY_MS, PlayRule
from spotify_insights.listening.views.asked import PLAY_RULE_PREFERENCE, PRIVATE_SESSIONS_PREFERENCE

_PREFERRED: Final = f"u.preferences ->> '{PLAY_RULE_PREFERENCE}'"
_RULES: Final = ", ".join(f"'{rule}'" for rule in PlayRule)

MAY_COUNT: Final = f"""
    (NOT p.superseded
     AND (NOT p.private_session OR u.preferences -> '{PRIVATE_SESSIONS_PREFERENCE}' = 'true')
     AND (p.ms_played IS NULL OR p.ms_played >=
          CASE CASE WHEN {_PREFERRED} IN ({_RULES}) THEN {_PREFERRED} ELSE CAST(:default_rule AS text) END
               WHEN '{PlayRule.SPOTIFY}' THEN {SPOTIFY_MS}
               -- Half of the shortest track that counts at all.
               WHEN '{PlayRule.LASTFM}' THEN {LASTFM_SHORTEST_TRACK_MS // 2}
               ELSE 0 END))
"""
