"""Which scope each operation asks for and who has it, written out once: all else follows from that."""

from collections.abc import Mapping

from matrix_world import World
from request_table import PUBLIC
from spotify_insights.access.scopes import SCOPES_OF_ROLE, Scope, UserRole


def test_the_scopes_that_others_than_listeners_need_are_theirs_alone() -> None:
    of_roles = {
        scope: {role for role in UserRole if scope in SCOPES_OF_ROLE[role]}
        for scope in Scope
        if scope not in SCOPES_OF_ROLE[UserRole.USER]
    }

    assert of_roles == {
        Scope.ADMIN_READ: {UserRole.ADMIN},
        Scope.ADMIN_WRITE: {UserRole.ADMIN},
        Scope.ACT_FOR_USERS: {UserRole.SERVICE},
        Scope.METRICS: {UserRole.ADMIN, UserRole.SERVICE},
    }


# The scope of what the operations of an address are about; the longest start counts.
SCOPES_OF_ADDRESSES: Mapping[str, str] = {
    "GET /api/users/": "profile:read",
    "PATCH /api/users/": "profile:write",
    "DELETE /api/users/": "privacy",
    "GET /api/users/{user_id}/connections": "connections:read",
    "DELETE /api/users/{user_id}/connections": "connections:write",
    "GET /api/users/{user_id}/export": "privacy",
    "POST /api/users/{user_id}/export": "privacy",
    "POST /api/users/register": "act_for_users",
    "POST /api/tokens/store": "act_for_users",
    "GET /api/listening/": "listening:read",
    "POST /api/listening/": "listening:write",
    "DELETE /api/listening/": "listening:write",
    "GET /api/insights/": "insights:read",
    "POST /api/insights/": "insights:write",
    "GET /api/tasks": "tasks:read",
    "DELETE /api/tasks": "tasks:write",
    **{
        f"{method} /api/{own}": "keys" for method in ("GET", "POST", "DELETE") for own in ("keys", "sessions")
    },
    "GET /api/admin/": "admin:read",
    **{f"{method} /api/admin/": "admin:write" for method in ("POST", "PATCH", "DELETE")},
    "GET /metrics": "metrics:read",
}


def test_every_operation_asks_for_the_scope_of_what_it_is_about(world: World) -> None:
    for name, operation in world.operations.items():
        if name not in PUBLIC:
            starts = [start for start in SCOPES_OF_ADDRESSES if name.startswith(start)]
            assert starts, f"Say in SCOPES_OF_ADDRESSES what {name} is about."
            assert operation.scope == SCOPES_OF_ADDRESSES[max(starts, key=len)], name
