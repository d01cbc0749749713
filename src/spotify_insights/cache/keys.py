"""Every cache key and how long it lives, in one place.

A *scope* is what a write invalidates as a whole (one listener, one insight, one task); an *entry* is one
answer inside a scope. Entries carry the version their scope had when they were read from the database.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

_PREFIX: Final = "si:"

LIST_TTL: Final = timedelta(seconds=60)
OBJECT_TTL: Final = timedelta(minutes=10)
SCOPE_TTL: Final = timedelta(hours=1)
# Longer than any commit takes. A process that dies while holding a scope costs this much caching, counted
# from the last write to that scope.
HOLD_TTL: Final = timedelta(seconds=30)


@dataclass(frozen=True)
class Scope:
    """What one write makes stale."""

    name: str

    @property
    def key(self) -> str:
        """Where its version stands."""
        return f"{_PREFIX}version:{self.name}"

    @property
    def holders_key(self) -> str:
        """The set of writers that hold it just now."""
        return f"{_PREFIX}holders:{self.name}"


@dataclass(frozen=True)
class Entry:
    """One cached answer."""

    scope: Scope
    name: str
    ttl: timedelta

    @property
    def key(self) -> str:
        return f"{_PREFIX}entry:{self.scope.name}:{self.name}"


def listener_scope(user_id: UUID) -> Scope:
    """Everything listed for one listener: profile, snapshots, insights."""
    return Scope(f"user:{user_id}")


def insight_scope(insight_id: UUID) -> Scope:
    return Scope(f"insight:{insight_id}")


def task_scope(task_id: UUID) -> Scope:
    return Scope(f"task:{task_id}")


def snapshot_list(
    user_id: UUID, *, reader: str, time_range: str | None, limit: int, cursor: str | None
) -> Entry:
    """What is an answer to one `reader` is none to another, here and below: no wall stands around Redis."""
    name = f"snapshots:{reader}:{time_range or 'all'}:{limit}:{cursor or ''}"
    return Entry(listener_scope(user_id), name, LIST_TTL)


def insight_list(
    user_id: UUID, *, reader: str, insight_type: str | None, limit: int, cursor: str | None
) -> Entry:
    name = f"insights:{reader}:{insight_type or 'all'}:{limit}:{cursor or ''}"
    return Entry(listener_scope(user_id), name, LIST_TTL)


def history_view(user_id: UUID, *, reader: str, view: str, asked: str) -> Entry:
    """One view of a listener's history; `asked` tells everything apart that was asked of it."""
    return Entry(listener_scope(user_id), f"view:{reader}:{view}:{asked}", LIST_TTL)


def insight(insight_id: UUID, *, reader: str) -> Entry:
    return Entry(insight_scope(insight_id), f"insight:{reader}", OBJECT_TTL)


def finished_task(task_id: UUID, *, reader: str) -> Entry:
    """Only what can never change is cached: a task that succeeded, together with all that it queued."""
    return Entry(task_scope(task_id), f"task:{reader}", OBJECT_TTL)


def pace_keys(server: str) -> tuple[str, str]:
    """What lives until the next call to this server may begin, and what lives as long as it refuses us."""
    # In braces, so that both are on one machine of a cluster.
    return f"{_PREFIX}pace:{{{server}}}:next", f"{_PREFIX}pace:{{{server}}}:refused"
