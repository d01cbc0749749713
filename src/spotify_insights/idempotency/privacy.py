"""What people's exports and erasures need to know of kept answers."""

from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from spotify_insights.database.database import rows_changed
from spotify_insights.database.personal_data import PersonalTable
from spotify_insights.idempotency.models import IdempotencyKey

PERSONAL: Final = (
    PersonalTable(
        model=IdempotencyKey,
        topic="kept_answers",
        about="Answers to requests about you that carried an Idempotency-Key; they are kept for a day.",
        owners=("owner_id",),
        withheld={
            "request_hash": "It only recognises a request that is sent again.",
            "scope": "It may name a service that acts for you; the path of the request stands in the answer.",
        },
    ),
)

# By owner, by caller, and by what an answer says: the last is for answers about nobody in particular.
_FORGET: Final = text("""
    DELETE FROM idempotency_keys
     WHERE owner_id = :user_id
        OR strpos(scope, CAST(:named AS text)) > 0 OR strpos(body::text, CAST(:named AS text)) > 0
        OR strpos(location, CAST(:named AS text)) > 0
""")


def forget_answers(session: Session, user_id: UUID) -> int:
    """Delete every kept answer to the user or about them; how many."""
    return rows_changed(session, _FORGET, {"user_id": user_id, "named": str(user_id)})
