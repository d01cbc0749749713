"""The same answer for a request that is sent again.

One transaction holds the effect of a request and the row of its key: both are stored or neither is. Whoever
wants to answer under a key takes an advisory lock that ends with the transaction; who does not get it is told
so at once. The lock only spares everybody the waiting. That a request is answered once is the work of the
primary key: a transaction that cannot store the row of its key is rolled back as a whole.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import func, text
from sqlalchemy.dialects.postgresql import insert

from spotify_insights.database.database import Transaction
from spotify_insights.idempotency.errors import KeyInUseError, KeyReusedError
from spotify_insights.idempotency.models import IdempotencyKey

LIFE: Final = timedelta(hours=24)

# The row is read with a snapshot from before the lock was tried. So a row that is found is final, but one
# that is not found may have been stored a moment ago: `_keep` notices.
_LOOK: Final = text("""
    SELECT pg_try_advisory_xact_lock(:lock) AS alone,
           kept.request_hash, kept.status, kept.location, kept.body
      FROM (VALUES (1)) AS always
      LEFT JOIN idempotency_keys AS kept
        ON kept.scope = :scope AND kept.key = :key AND kept.created_at > clock_timestamp() - :life
""")


@dataclass(frozen=True)
class IdempotentRequest:
    """A request that carries a key.

    Args:
        caller: who sends it; the keys of two callers never meet.
        route: what it asks for, such as `POST /api/tokens/store`; a key counts for one route.
        content: a hash of all it carries; see `RequestHasher`.
    """

    caller: str
    route: str
    key: str
    content: str

    @property
    def scope(self) -> str:
        return f"{self.caller} {self.route}"

    @property
    def lock(self) -> int:
        """The number of the advisory lock. Two keys that share one by chance delay each other, no more."""
        named = f"idempotency key\0{self.scope}\0{self.key}".encode()
        return int.from_bytes(hashlib.blake2b(named, digest_size=8).digest(), "big", signed=True)


@dataclass(frozen=True)
class Answer:
    """What a request is answered: a JSON object that holds no secret, for it is stored as it is.

    `owner_id` is whom it is about: what was kept goes when they leave.
    """

    status: int
    body: dict[str, object]
    location: str | None = None
    replayed: bool = False
    owner_id: UUID | None = None


def answer_once(tx: Transaction, request: IdempotentRequest | None, answer: Callable[[], Answer]) -> Answer:
    """What `answer` gives, or what it gave when this request was sent first; without a key always the former.

    Never waits for another request with the same key. An answer that is a refusal is not kept, and an
    exception rolls the key back with everything else, so the same key may try again.

    Args:
        answer: does all its work in `tx`.

    Raises:
        KeyInUseError: the first request with this key is still being answered. The transaction has to end.
        KeyReusedError: the key was sent with another request.
    """
    if request is None:
        return answer()
    named = {"scope": request.scope, "key": request.key}
    found = tx.session.execute(_LOOK, named | {"lock": request.lock, "life": LIFE}).one()
    if found.request_hash is not None:
        if found.request_hash != request.content:
            raise KeyReusedError
        return Answer(found.status, found.body, found.location, replayed=True)
    if not found.alone:
        raise KeyInUseError
    given = answer()
    return given if given.status >= 400 else _keep(tx, request, given)


def _keep(tx: Transaction, request: IdempotentRequest, given: Answer) -> Answer:
    """The answer as it is stored, so that the first one looks like all later ones to the byte."""
    statement = insert(IdempotencyKey).values(
        scope=request.scope,
        key=request.key,
        request_hash=request.content,
        status=given.status,
        location=given.location,
        body=given.body,
        owner_id=given.owner_id,
        created_at=func.clock_timestamp(),
    )
    replaced = ("request_hash", "status", "location", "body", "owner_id", "created_at")
    kept = tx.session.execute(
        statement.on_conflict_do_update(
            index_elements=[IdempotencyKey.scope, IdempotencyKey.key],
            set_={column: statement.excluded[column] for column in replaced},
            where=IdempotencyKey.created_at <= func.clock_timestamp() - LIFE,
        ).returning(IdempotencyKey.status, IdempotencyKey.body, IdempotencyKey.location)
    ).one_or_none()
    if kept is None:
        # Another request stored it between our look and our lock: what we did here is undone.
        raise KeyInUseError
    return Answer(kept.status, kept.body, kept.location)
