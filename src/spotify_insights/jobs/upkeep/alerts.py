"""Alerts: what was found is kept until it is over, one open alert for each kind and subject."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from spotify_insights.database.database import Transaction
from spotify_insights.database.hot_read import HotRead, moment
from spotify_insights.database.table import new_id
from spotify_insights.jobs.upkeep.findings import AlertKind, Finding, Severity

# An arbitrary constant; only those who keep alerts take this lock.
_ADVISORY_LOCK: Final = 7_305_220_002
_LOCK: Final = text("SELECT pg_advisory_xact_lock(:key)")

_KEEP: Final = text("""
    INSERT INTO alerts AS alert (id, kind, subject, severity, message, details)
    VALUES (:id, :kind, :subject, :severity, :message, CAST(:details AS jsonb))
        ON CONFLICT (kind, subject) WHERE resolved_at IS NULL
        DO UPDATE SET severity = excluded.severity, message = excluded.message, details = excluded.details,
                      seen_at = clock_timestamp()
 RETURNING alert.id
""")
_RESOLVE: Final = text("""
    UPDATE alerts SET resolved_at = clock_timestamp()
     WHERE resolved_at IS NULL AND kind = ANY(:kinds) AND id <> ALL(CAST(:kept AS uuid[]))
 RETURNING kind, subject, severity, message
""")

_DOCUMENTS: Final = f"""
    SELECT coalesce(json_agg(json_build_object(
               'alert_id', id, 'kind', kind, 'subject', subject, 'severity', severity,
               'message', message, 'details', details,
               'raised_at', {moment("raised_at")}, 'seen_at', {moment("seen_at")},
               'resolved_at', {moment("resolved_at")}) ORDER BY place), '[]')::text,
           NULL::text
      FROM (SELECT *, row_number() OVER (ORDER BY resolved_at IS NOT NULL, id DESC) AS place
              FROM alerts ORDER BY place LIMIT %(limit)s) AS page
"""  # noqa: S608  # only constants are put together


@dataclass(frozen=True)
class AlertNote:
    """One alert, as the log tells of it."""

    kind: AlertKind
    subject: str
    severity: Severity
    message: str


@dataclass(frozen=True)
class Changes:
    """What became of the alerts: new ones, those that were open before and still are, those that are over."""

    raised: Sequence[AlertNote]
    still_open: Sequence[AlertNote]
    resolved: Sequence[AlertNote]

    @property
    def counts(self) -> dict[str, Any]:
        return {
            "raised": len(self.raised),
            "still_open": len(self.still_open),
            "resolved": len(self.resolved),
        }


def await_turn(session: Session) -> None:
    """Wait until no other transaction keeps alerts, and make others wait for the end of this one.

    Who observes after this observes what the one before has left, so that nobody resolves by an older look
    what was raised by a newer one.
    """
    session.execute(_LOCK, {"key": _ADVISORY_LOCK})


def keep_alerts(tx: Transaction, findings: Sequence[Finding]) -> Changes:
    """Raise what is new, update what is still so, resolve every other open alert of the kinds we know.

    However many do this at once, an alert is raised once: one may be open for each kind and subject.
    """
    raised: list[AlertNote] = []
    still_open: list[AlertNote] = []
    kept: list[UUID] = []
    for finding in findings:
        new = new_id()
        stored = tx.session.execute(
            _KEEP,
            {
                "id": new,
                "kind": finding.kind,
                "subject": finding.subject,
                "severity": finding.severity,
                "message": finding.message,
                "details": json.dumps(finding.details),
            },
        ).scalar_one()
        note = AlertNote(finding.kind, finding.subject, finding.severity, finding.message)
        (raised if stored == new else still_open).append(note)
        kept.append(stored)
    over = tx.session.execute(_RESOLVE, {"kinds": [kind.value for kind in AlertKind], "kept": kept})
    resolved = [
        AlertNote(AlertKind(row.kind), row.subject, Severity(row.severity), row.message) for row in over
    ]
    return Changes(raised=raised, still_open=still_open, resolved=resolved)


def alert_documents(*, limit: int) -> HotRead:
    """The alerts as one JSON list: the open ones first, then those that are over, the newest first each."""
    return HotRead(_DOCUMENTS, {"limit": limit})
