"""What clients were promised: every 202 with its task, and whatever else they were told."""

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
    maybe_cancelled: set[UUID] = field(default_factory=set)
    # Every answer by its status, and what went wrong where there was none.
    answers: Counter[str] = field(default_factory=Counter)
    answered_after: list[float] = field(default_factory=list)

    def accept(self, task_id: UUID, *, key: str | None = None, delay: float = 0.0) -> None:
        """A 202 has arrived."""
        self.accepted[task_id] += 1
        if delay:
            self.delays[task_id] = delay
        if key is not None:
            self.by_key.setdefault(key, set()).add(task_id)

    @property
    def joined(self) -> int:
        """How many answers named a task that another answer had named."""
        return self.accepted.total() - len(self.accepted)
