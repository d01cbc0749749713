"""The audit log as an administrator reads it."""

from typing import Final
from uuid import UUID

from spotify_insights.audit.event import AuditEvent
from spotify_insights.database.hot_read import HotRead, moment

_RECORD: Final = f"""
    json_build_object(
        'record_id', r.id, 'at', {moment("r.at")}, 'event', r.event,
        'actor_role', r.actor_role, 'actor', r.actor_hash, 'subject', r.subject_hash, 'target', r.target,
        'request_id', r.request_id, 'address', r.address, 'details', r.details)
"""


def audit_documents(
    *,
    event: AuditEvent | None = None,
    subject: str | None = None,
    actor: str | None = None,
    limit: int,
    before: UUID | None,
) -> HotRead:
    """A page of the audit log, the newest first.

    Args:
        subject: the pseudonym of the person to whose things it was done.
        actor: the pseudonym of the person who did it.
    """
    given = {"event": event, "subject_hash": subject, "actor_hash": actor}
    wanted = {column: value for column, value in given.items() if value is not None}
    conditions = [f"r.{column} = %({column})s" for column in wanted]
    if before is not None:
        conditions.append("r.id < %(before)s")
    # Only constants are put together.
    statement = f"""
    WITH page AS MATERIALIZED (
         SELECT r.*, row_number() OVER (ORDER BY r.id DESC) AS place
           FROM audit_log r
          WHERE {" AND ".join(conditions) or "true"}
          ORDER BY r.id DESC
          LIMIT %(limit)s + 1)
    SELECT coalesce((SELECT json_agg({_RECORD} ORDER BY r.place) FROM page r WHERE r.place <= %(limit)s),
                    '[]')::text,
           (SELECT json_build_array(r.id)::text FROM page r
             WHERE r.place = %(limit)s AND (SELECT count(*) FROM page) > %(limit)s)
    """  # noqa: S608
    return HotRead(statement, {**wanted, "limit": limit, "before": before})
