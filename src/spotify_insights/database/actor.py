"""On whose behalf a transaction runs: the context that row-level security reads."""

from dataclasses import dataclass
from typing import Final, Literal, Self
from uuid import UUID

# Both settings are local to the transaction, so a pooled connection never carries them on.
SET_ACTOR = (
    "SELECT set_config('app.actor_role', %(role)s, true), set_config('app.user_id', %(user_id)s, true)"
)

ActorRole = Literal["listener", "service", "admin", "local", "authentication", "system"]

# Whose rows a query is about, as a condition on the column that names their owner.
_OWNED: Final[dict[ActorRole, str]] = {
    "listener": "{column} = {acting_user}",
    "service": "{column} IN (SELECT registered.id FROM users registered"
    " WHERE registered.registered_by = {acting_user})",
    # Row-level security says of which tables these see everybody's rows.
    "local": "true",
    "admin": "true",
    "system": "true",
}


@dataclass(frozen=True)
class Actor:
    """Who acts, and so whose rows there are.

    `listener` has one person's rows, `service` those of the users it registered. `local` is whoever uses an
    installation without sign-in, and has everybody's. `admin` has what an operator needs (users, jobs,
    alerts, audit log) and nobody's listening. `authentication` looks up credentials before anybody is known.
    `system` is the installation itself, in the background.
    """

    role: ActorRole
    user_id: UUID | None = None

    @classmethod
    def listener(cls, user_id: UUID) -> Self:
        return cls(role="listener", user_id=user_id)

    @classmethod
    def service(cls, user_id: UUID) -> Self:
        return cls(role="service", user_id=user_id)

    @classmethod
    def admin(cls, user_id: UUID) -> Self:
        return cls(role="admin", user_id=user_id)

    @property
    def parameters(self) -> dict[str, str]:
        """The values for SET_ACTOR."""
        return {"role": self.role, "user_id": str(self.user_id or "")}

    def owns(self, column: str, *, acting_user: str = "%(acting_user)s") -> str:
        """The SQL condition that every query about somebody's rows carries: `column` names one of ours.

        Args:
            acting_user: the parameter with that name, as psycopg or SQLAlchemy writes it; its value is in
                `owner_parameters`.

        Raises:
            KeyError: this actor owns nothing.
        """
        return _OWNED[self.role].format(column=column, acting_user=acting_user)

    @property
    def owner_parameters(self) -> dict[str, UUID | None]:
        """The values for `owns`."""
        return {"acting_user": self.user_id}

    @property
    def name(self) -> str:
        """Tells actors apart, as for cached answers: what one may see is no answer for another."""
        return self.role if self.user_id is None else f"{self.role}:{self.user_id}"


SYSTEM: Final = Actor(role="system")
AUTHENTICATION: Final = Actor(role="authentication")
# Only where AUTH_MODE is open: whoever reaches this machine is its admin.
LOCAL: Final = Actor(role="local")
# The command line on the operator's own machine.
OPERATOR: Final = Actor(role="admin")
