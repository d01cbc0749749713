"""Questions about written insights."""

from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from spotify_insights.database.actor import Actor
from spotify_insights.database.hot_read import HotRead, moment
from spotify_insights.insights.models import GeneratedInsight

_INSIGHT: Final = f"""
    json_build_object(
        'insight_id', g.id, 'user_id', g.user_id, 'snapshot_id', g.snapshot_id,
        'insight_type', g.insight_type, 'tone_mode', g.tone_mode, 'time_range', g.time_range,
        'locale', g.locale, 'content', g.content, 'structured', g.structured,
        'llm_model', g.llm_model, 'prompt_version', g.prompt_version,
        'generation_ms', g.generation_ms, 'version', g.version, 'superseded_by', g.superseded_by,
        'created_at', {moment("g.created_at")})
"""

_ONE: Final = f"""
    SELECT {_INSIGHT}::text FROM generated_insights g WHERE g.id = %(insight_id)s AND {{owned}}
"""  # noqa: S608  # only constants are put together

_PAGE: Final = f"""
    WITH page AS MATERIALIZED (
         SELECT g.*, row_number() OVER (ORDER BY g.id DESC) AS place
           FROM generated_insights g
          WHERE g.user_id = %(user_id)s
            AND (%(insight_type)s::text IS NULL OR g.insight_type = %(insight_type)s)
            AND (%(before)s::uuid IS NULL OR g.id < %(before)s)
          ORDER BY g.id DESC
          LIMIT %(limit)s + 1)
    SELECT coalesce((SELECT json_agg({_INSIGHT} ORDER BY g.place) FROM page g WHERE g.place <= %(limit)s),
                    '[]')::text,
           (SELECT json_build_array(g.id)::text FROM page g
             WHERE g.place = %(limit)s AND (SELECT count(*) FROM page) > %(limit)s)
      FROM users u WHERE u.id = %(user_id)s
"""  # noqa: S608  # only constants are put together


def insight_document(actor: Actor, insight_id: UUID) -> HotRead:
    """One insight with the facts behind it, if it is one of the actor's."""
    return HotRead(
        _ONE.format(owned=actor.owns("g.user_id")), {"insight_id": insight_id, **actor.owner_parameters}
    )


def insight_documents(user_id: UUID, *, insight_type: str | None, limit: int, before: UUID | None) -> HotRead:
    """A page of one listener's insights, the newest first."""
    return HotRead(
        _PAGE, {"user_id": user_id, "insight_type": insight_type, "limit": limit, "before": before}
    )


def insight_with_fingerprint(session: Session, user_id: UUID, fingerprint: str) -> UUID | None:
    """The stored insight with exactly this content key, superseded or not."""
    return session.scalar(
        select(GeneratedInsight.id).where(
            GeneratedInsight.user_id == user_id, GeneratedInsight.fingerprint == fingerprint
        )
    )


def current_insight_with_fingerprint(session: Session, user_id: UUID, fingerprint: str) -> UUID | None:
    """Likewise, but only while nothing has superseded it."""
    return session.scalar(
        select(GeneratedInsight.id).where(
            GeneratedInsight.user_id == user_id,
            GeneratedInsight.fingerprint == fingerprint,
            GeneratedInsight.superseded_by.is_(None),
        )
    )
