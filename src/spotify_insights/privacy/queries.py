"""What somebody who thinks of leaving, or of taking along, should know first."""

from typing import Final
from uuid import UUID

from spotify_insights.database.hot_read import HotRead
from spotify_insights.privacy.jobs import ExportUserData
from spotify_insights.privacy.purge_disconnected import UPLOADS

_LEAVING: Final = """
    SELECT json_build_object(
             'has_uploads', EXISTS (
               SELECT FROM plays WHERE user_id = %(user_id)s AND source = ANY(%(uploads)s)),
             'export_under_way', EXISTS (
               SELECT FROM background_jobs
                WHERE owner_id = %(user_id)s AND task_name = %(export)s
                  AND status IN ('queued', 'running') AND NOT cancel_requested))::text
"""


def leaving_document(user_id: UUID) -> HotRead:
    """Whether plays from uploaded exports of Spotify are stored, and whether an export is being made."""
    return HotRead(
        _LEAVING,
        {"user_id": user_id, "uploads": list(UPLOADS["spotify"]), "export": ExportUserData.task_name},
    )
