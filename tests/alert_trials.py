"""For tests of the monitor: the alerts that are there, and what it takes to raise one."""

from datetime import timedelta
from typing import Any

from spotify_insights.database.database import Database
from spotify_insights.jobs.upkeep.alerts import alert_documents
from spotify_insights.jobs.upkeep.thresholds import Thresholds
from upkeep_trials import answer_of

THRESHOLDS = Thresholds()
TASK = "insights.generate_roast"
SECONDS = timedelta(seconds=10)


def alerts(database: Database) -> list[dict[str, Any]]:
    documents: list[dict[str, Any]] = answer_of(database, alert_documents(limit=100))
    return documents


def open_alerts(database: Database) -> set[tuple[str, str]]:
    return {(alert["kind"], alert["subject"]) for alert in alerts(database) if alert["resolved_at"] is None}
