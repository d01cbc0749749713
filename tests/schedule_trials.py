"""A look at what of the schedule has been fired."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from spotify_insights.database.actor import SYSTEM
from spotify_insights.database.database import Database
from spotify_insights.jobs.models import ScheduleSlot


def slots(database: Database) -> dict[tuple[str, datetime], UUID | None]:
    """The job of every fired slot."""
    with database.transaction(acting_for=SYSTEM) as tx:
        return {(row.schedule, row.slot): row.job_id for row in tx.session.scalars(select(ScheduleSlot))}
