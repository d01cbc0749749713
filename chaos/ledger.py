"""What clients were promised: every 202 with its task, and whatever else they were told."""

import time
from collections import Counter
from dataclasses import dataclass, field
from uuid import UUID


@dataclass
class Ledger:
    """Written by clients, read by the verdict."""

    # How often each task was promised: more than once where a request joined it or was answered again.
    accepted: Counter[UUID] = field(default_factory=Counter)
    # The tasks promised for each Idempotency-Key.
    by_key: dict[str, set[UUID]] = field(default_factory=dict)
    delays: dict[UUID, float] = field(default_factory=dict)
    # What was cancelled while it was not finished yet: it may leave nothing.
    cancelled: set[UUID] = field(default_factory=set)
    # When, by the monotonic clock, the last of these cancellations was confirmed, and when the last request
    # was sent that was answered with a new promise of the task.
    cancelled_at: dict[UUID, float] = field(default_factory=dict)
    asked_at: dict[UUID, float] = field(default_factory=dict)
    maybe_cancelled: set[UUID] = field(default_factory=set)
    # Every answer by its status, and what went wrong where there was none.
    answers: Counter[str] = field(default_factory=Counter)
    answered_after: list[float] = field(default_factory=list)

    def accept(
        self,
        task_id: UUID,
        *,
        asked_at: float,
        key: str | None = None,
        delay: float = 0.0,
        replayed: bool = False,
    ) -> None:
        """A 202 has arrived.

        Args:
            asked_at: when the request was sent.
            replayed: it repeats an earlier answer to the same key, which promises nothing anew.
        """
        self.accepted[task_id] += 1
        if not replayed:
            self.asked_at[task_id] = max(asked_at, self.asked_at.get(task_id, asked_at))
        if delay:
            self.delays[task_id] = delay
        if key is not None:
            self.by_key.setdefault(key, set()).add(task_id)

    def cancel(self, task_id: UUID) -> None:
        """A cancellation was confirmed right now."""
        self.cancelled.add(task_id)
        self.cancelled_at[task_id] = time.monotonic()

    def is_promised_again(self, task_id: UUID) -> bool:
        """Whether the task was promised to somebody who asked after its cancellation was confirmed."""
        return task_id in self.cancelled_at and self.asked_at.get(task_id, 0.0) > self.cancelled_at[task_id]

    @property
    def joined(self) -> int:
        """How many answers named a task that another answer had named."""
        return self.accepted.total() - len(self.accepted)
