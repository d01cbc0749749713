"""Imports every model, so that each process and Alembic know all tables and their foreign keys."""

from spotify_insights.access import models as access
from spotify_insights.accounts import models as accounts
from spotify_insights.audit import models as audit
from spotify_insights.database.table import Table
from spotify_insights.idempotency import models as idempotency
from spotify_insights.insights import models as insights
from spotify_insights.installation import models as installation
from spotify_insights.jobs import models as jobs
from spotify_insights.listening import models as listening
from spotify_insights.listening.features import models as listening_features
from spotify_insights.listening.genres import models as listening_genres
from spotify_insights.listening.imports import models as listening_imports
from spotify_insights.privacy import models as privacy
from spotify_insights.sign_in import models as sign_in
from spotify_insights.storage import models as storage

metadata = Table.metadata

# Triggers instead of foreign keys: see `listening.models.Play`.
for _referred_to in ("users", "tracks"):
    metadata.tables["plays"].add_is_dependent_on(metadata.tables[_referred_to])

__all__ = [
    "access",
    "accounts",
    "audit",
    "idempotency",
    "insights",
    "installation",
    "jobs",
    "listening",
    "listening_features",
    "listening_genres",
    "listening_imports",
    "metadata",
    "privacy",
    "sign_in",
    "storage",
]
