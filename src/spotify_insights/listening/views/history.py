"""What every view of one listener's history is made from."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from spotify_insights.listening.analytics.columns import HistoryColumns


@dataclass(frozen=True, slots=True)
class ListenerHistory:
    """A history, whose calendar and wishes count, and when it was looked at by the database's clock."""

    user_id: UUID
    columns: HistoryColumns
    timezone: str
    preferences: Mapping[str, Any]
    now: datetime
