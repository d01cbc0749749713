"""Questions about passwords and invitations; none of the answers holds a secret or its hash."""

from typing import Final
from uuid import UUID

from spotify_insights.database.hot_read import HotRead, moment

_USERNAME: Final = """
    SELECT json_build_object('username', (
             SELECT username FROM local_accounts WHERE user_id = %(user_id)s))::text
"""

_PEOPLE: Final = f"""
    WITH page AS MATERIALIZED (
         SELECT u.*, row_number() OVER (ORDER BY u.id DESC) AS place
           FROM users u
          WHERE %(before)s::uuid IS NULL OR u.id < %(before)s
          ORDER BY u.id DESC
          LIMIT %(limit)s + 1)
    SELECT coalesce((SELECT json_agg(json_build_object(
               'user_id', p.id, 'display_name', p.display_name, 'role', p.role,
               'username', (SELECT username FROM local_accounts WHERE user_id = p.id),
               'providers', coalesce((SELECT json_agg(DISTINCT i.provider) FROM user_identities i
                                       WHERE i.user_id = p.id), '[]'),
               'registered_by', p.registered_by, 'created_at', {moment("p.created_at")},
               'erasing_since', {moment("p.erasing_since")}) ORDER BY p.place)
             FROM page p WHERE p.place <= %(limit)s), '[]')::text,
           (SELECT json_build_array(p.id)::text FROM page p
             WHERE p.place = %(limit)s AND (SELECT count(*) FROM page) > %(limit)s)
"""  # noqa: S608  # only constants are put together

_INVITATIONS: Final = f"""
    SELECT coalesce(json_agg(json_build_object(
               'invitation_id', id, 'role', role, 'note', note,
               'status', CASE WHEN used_at IS NOT NULL THEN 'accepted'
                              WHEN expires_at <= clock_timestamp() THEN 'over' ELSE 'open' END,
               'created_at', {moment("created_at")}, 'expires_at', {moment("expires_at")},
               'accepted_at', {moment("used_at")}) ORDER BY id DESC), '[]')::text
      FROM (SELECT * FROM one_time_links
             WHERE purpose = 'invitation' AND created_at > clock_timestamp() - interval '90 days'
             ORDER BY id DESC LIMIT 200) AS shown
"""  # noqa: S608  # only constants are put together


def username_document(user_id: UUID) -> HotRead:
    """The name that the user signs in with; null where they have no password here."""
    return HotRead(_USERNAME, {"user_id": user_id})


def people_documents(*, limit: int, before: UUID | None) -> HotRead:
    """A page of everybody with an account, the newest first; to be asked as AUTHENTICATION, for an admin.

    It says who signs in how, and nothing of what they listen to.
    """
    return HotRead(_PEOPLE, {"limit": limit, "before": before})


def invitation_documents() -> HotRead:
    """The invitations of the last ninety days as one JSON list, the newest first."""
    return HotRead(_INVITATIONS, {})
