"""For tests of `answer_once`: work that can be done again, requests for it, and the keys that are kept."""

import threading
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy import text

from spotify_insights.database.actor import SYSTEM
from spotify_insights.database.database import Database
from spotify_insights.idempotency.answer import Answer, IdempotentRequest, answer_once
from spotify_insights.idempotency.models import IdempotencyKey

REQUEST = IdempotentRequest(caller="local", route="POST /api/notes", key="k-1", content="h-1")


@dataclass
class Work:
    """Something that can be done again and then gives another answer."""

    status: int = 202
    done: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self) -> Answer:
        with self.lock:
            self.done += 1
            number = self.done
        # The order in which JSONB would keep these is another one.
        return Answer(self.status, {"number": number, "a": {"z": 1, "b": None}}, location=f"/notes/{number}")


def asked(database: Database, work: Work, request: IdempotentRequest | None = REQUEST) -> Answer:
    with database.transaction(acting_for=SYSTEM) as tx:
        return answer_once(tx, request, work)


def keys(database: Database) -> list[IdempotencyKey]:
    with database.transaction(acting_for=SYSTEM) as tx:
        return list(tx.session.query(IdempotencyKey).order_by(IdempotencyKey.key))


def age(database: Database, key: str, by: timedelta) -> None:
    """Make the key so much older."""
    with database.transaction(acting_for=SYSTEM) as tx:
        tx.session.execute(
            text("UPDATE idempotency_keys SET created_at = created_at - :by WHERE key = :key"),
            {"by": by, "key": key},
        )
