"""Who makes a request, and for whom they may act."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from uuid import UUID

from spotify_insights.access.scopes import Scope, UserRole
from spotify_insights.database.actor import LOCAL, Actor


class PrincipalKind(StrEnum):
    """What they showed. `local` showed nothing: without sign-in an installation serves its own machine."""

    LOCAL = "local"
    SESSION = "session"
    API_KEY = "api_key"
    ACCESS_TOKEN = "access_token"  # noqa: S105  # a kind, not a secret


@dataclass(frozen=True)
class Principal:
    """`credential_id` is the row of the session or key; `scopes` is what this credential may be used for."""

    kind: PrincipalKind
    user_id: UUID | None
    role: UserRole
    scopes: frozenset[Scope]
    credential_id: UUID | None = None

    @property
    def actor(self) -> Actor:
        """Whose things there are for this caller: their own, those of a service's users, or everybody's."""
        if self.user_id is None:
            return LOCAL
        if self.acts_for_others:
            return Actor.service(self.user_id)
        return Actor.listener(self.user_id)

    @property
    def operator(self) -> Actor:
        """The caller as the one who runs the installation; whether they do, their scopes say."""
        return LOCAL if self.user_id is None else Actor.admin(self.user_id)

    @property
    def acts_for_others(self) -> bool:
        """Whether this is a service with a credential for its users."""
        return self.role is UserRole.SERVICE and Scope.ACT_FOR_USERS in self.scopes

    @property
    def name(self) -> str:
        """Tells callers apart, whatever they show: for kept answers and limits."""
        return "local" if self.user_id is None else f"user:{self.user_id}"


LOCAL_PRINCIPAL: Final = Principal(
    kind=PrincipalKind.LOCAL, user_id=None, role=UserRole.ADMIN, scopes=frozenset(Scope)
)
