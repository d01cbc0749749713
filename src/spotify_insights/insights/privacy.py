"""What people's exports and erasures need to know of insights."""

from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from spotify_insights.database.personal_data import PersonalTable
from spotify_insights.insights.models import GeneratedInsight

PERSONAL: Final = (
    PersonalTable(
        model=GeneratedInsight,
        topic="insights",
        about="Every insight that was written for you, in every version.",
    ),
)

_IDS: Final = text("SELECT id FROM generated_insights WHERE user_id = :user_id")


def insight_ids_of(session: Session, user_id: UUID) -> set[UUID]:
    """Every insight of a listener, in every version."""
    return set(session.scalars(_IDS, {"user_id": user_id}))
