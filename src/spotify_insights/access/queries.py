"""Questions about keys and sessions; none of the answers holds a secret or its hash."""

from typing import Final
from uuid import UUID

from spotify_insights.database.hot_read import HotRead, moment

# Those that are over are shown for a month, so that their owner sees what became of them.
_KEYS: Final = f"""
    SELECT coalesce(json_agg(json_build_object(
               'key_id', key_id, 'name', name, 'scopes', scopes,
               'status', CASE WHEN revoked_at IS NOT NULL THEN 'revoked'
                              WHEN expires_at <= clock_timestamp() THEN 'expired' ELSE 'active' END,
               'created_at', {moment("created_at")}, 'expires_at', {moment("expires_at")},
               'last_used_at', {moment("last_used_at")}, 'revoked_at', {moment("revoked_at")})
               ORDER BY id DESC), '[]')::text
      FROM (SELECT * FROM api_keys
             WHERE user_id = %(user_id)s
               AND coalesce(revoked_at, expires_at) > clock_timestamp() - interval '30 days'
             ORDER BY id DESC LIMIT 200) AS shown
"""  # noqa: S608  # only constants are put together

_SESSIONS: Final = f"""
    SELECT coalesce(json_agg(json_build_object(
               'session_id', id, 'kind', kind, 'current', id IS NOT DISTINCT FROM %(current)s,
               'created_at', {moment("created_at")}, 'last_seen_at', {moment("last_seen_at")},
               'expires_at', {moment("expires_at")}, 'address', address, 'user_agent', user_agent)
               ORDER BY last_seen_at DESC, id), '[]')::text
      FROM (SELECT * FROM sessions
             WHERE user_id = %(user_id)s AND revoked_at IS NULL AND expires_at > clock_timestamp()
               AND (kind <> 'browser'
                    OR last_seen_at > clock_timestamp() - make_interval(days => %(idle_days)s))
             ORDER BY last_seen_at DESC LIMIT 200) AS shown
"""  # noqa: S608  # only constants are put together


def key_documents(user_id: UUID) -> HotRead:
    """The user's keys as one JSON list, the newest first; those that are over, for another month."""
    return HotRead(_KEYS, {"user_id": user_id})


def session_documents(user_id: UUID, *, current: UUID | None, idle_days: int) -> HotRead:
    """Where the user is signed in, as one JSON list, the one seen last first.

    Args:
        current: the session that asks.
        idle_days: for how long a browser may be away.
    """
    return HotRead(_SESSIONS, {"user_id": user_id, "current": current, "idle_days": idle_days})
