"""Questions about imports."""

from typing import Final
from uuid import UUID

from spotify_insights.database.hot_read import HotRead, moment

_IMPORT: Final = f"""
    json_build_object(
        'import_id', i.id, 'file_name', i.file_name, 'size_bytes', i.size_bytes,
        'imported_at', {moment("i.imported_at")},
        'first_play_at', {moment("i.first_play_at")}, 'last_play_at', {moment("i.last_play_at")},
        'receipt', i.receipt)
"""
_PAGE: Final = """
    WITH page AS MATERIALIZED (
         SELECT i.*, row_number() OVER (ORDER BY i.id DESC) AS place
           FROM imports i
          WHERE i.user_id = %(user_id)s {behind}
          ORDER BY i.id DESC
          LIMIT %(limit)s + 1)
    SELECT coalesce((SELECT json_agg({document} ORDER BY i.place) FROM page i WHERE i.place <= %(limit)s),
                    '[]')::text,
           (SELECT json_build_array(i.id)::text FROM page i
             WHERE i.place = %(limit)s AND (SELECT count(*) FROM page) > %(limit)s)
      FROM users u WHERE u.id = %(user_id)s
"""


def import_documents(user_id: UUID, *, limit: int, before: UUID | None) -> HotRead:
    """A page of one listener's imports that were not undone, the newest first.

    No row where there is no such listener.
    """
    behind = "" if before is None else "AND i.id < %(before)s"
    return HotRead(
        _PAGE.format(document=_IMPORT, behind=behind), {"user_id": user_id, "limit": limit, "before": before}
    )
