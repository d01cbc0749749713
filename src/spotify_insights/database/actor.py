"""On whose behalf a transaction runs: the context that row-level security reads."""

from dataclasses import dataclass
from typing import Literal, Self
from uuid import UUID

# Both settings are local to the transaction, so a pooled connection never carries them on.
SET_ACTOR = (
    "SELECT set_config('app.actor_role', %(role)s, true), set_config('app.user_id', %(user_id)s, true)"
)


@dataclass(frozen=True)
class Actor:
    """`listener` sees one person's rows; `admin` and `system` are checked by role alone."""

    role: Literal["listener", "admin", "system"]
    user_id: UUID | None = None

    @classmethod
    def listener(cls, user_id: UUID) -> Self:
        return cls(role="listener", user_id=user_id)

    @property
    def parameters(self) -> dict[str, str]:
        """The values for SET_ACTOR."""
        return {"role": self.role, "user_id": str(self.user_id or "")}


SYSTEM = Actor(role="system")
LOCAL_ADMIN = Actor(role="admin")
