"""Imports every model, so that each process and Alembic know all tables and their foreign keys."""

from spotify_insights.accounts import models as accounts
from spotify_insights.database.table import Table
from spotify_insights.idempotency import models as idempotency
from spotify_insights.insights import models as insights
from spotify_insights.jobs import models as jobs
from spotify_insights.listening import models as listening

metadata = Table.metadata

__all__ = ["accounts", "idempotency", "insights", "jobs", "listening", "metadata"]
