"""What one request or command leaves in the audit log: the same person, from the same place, each time."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from spotify_insights.audit.event import AuditEvent
from spotify_insights.audit.record import AuditLog, Origin
from spotify_insights.database.actor import Actor
from spotify_insights.database.database import Transaction


@dataclass(frozen=True)
class AuditTrail:
    """Who does something, and from where. What changes something of somebody's takes one, and records itself.

    Args:
        actor: who does it; not always whom the transaction acts for.
        origin: where the request came from; None for what no request asked for.
    """

    log: AuditLog
    actor: Actor
    origin: Origin | None = None

    def record(
        self,
        tx: Transaction,
        event: AuditEvent,
        *,
        subject: UUID | None = None,
        target: str | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        """Add one record, which is stored when `tx` commits.

        Raises:
            ValueError: as `AuditLog.record`.
        """
        self.log.record(
            tx,
            event,
            actor=self.actor,
            subject=subject,
            target=target,
            details=details,
            origin=self.origin,
        )
