"""What a credential may be used for. A key or token carries some of the scopes that its owner's role has."""

from enum import StrEnum
from typing import Final


class UserRole(StrEnum):
    """`user` has their own things, `admin` also runs the installation, `service` acts for its users."""

    USER = "user"
    ADMIN = "admin"
    SERVICE = "service"


class Scope(StrEnum):
    """One kind of call. Each operation of the API asks for exactly one."""

    PROFILE_READ = "profile:read"
    PROFILE_WRITE = "profile:write"
    CONNECTIONS_READ = "connections:read"
    CONNECTIONS_WRITE = "connections:write"
    LISTENING_READ = "listening:read"
    LISTENING_WRITE = "listening:write"
    INSIGHTS_READ = "insights:read"
    INSIGHTS_WRITE = "insights:write"
    TASKS_READ = "tasks:read"
    TASKS_WRITE = "tasks:write"
    PRIVACY = "privacy"
    KEYS = "keys"
    ACT_FOR_USERS = "act_for_users"
    ADMIN_READ = "admin:read"
    ADMIN_WRITE = "admin:write"
    METRICS = "metrics:read"


_OF_EVERYBODY: Final = frozenset(Scope) - {
    Scope.ACT_FOR_USERS,
    Scope.ADMIN_READ,
    Scope.ADMIN_WRITE,
    Scope.METRICS,
}
SCOPES_OF_ROLE: Final[dict[UserRole, frozenset[Scope]]] = {
    UserRole.USER: _OF_EVERYBODY,
    UserRole.ADMIN: _OF_EVERYBODY | {Scope.ADMIN_READ, Scope.ADMIN_WRITE, Scope.METRICS},
    UserRole.SERVICE: _OF_EVERYBODY | {Scope.ACT_FOR_USERS, Scope.METRICS},
}
