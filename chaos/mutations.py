"""The controls: each takes one wall of the job protocol away, and the suite has to notice.

They change modules in memory, in processes of the suite and in tests, so the product needs no hook for
them. A control that no longer finds what it should take away fails instead of doing nothing.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from enum import StrEnum
from typing import Any, Final
from unittest.mock import patch

from sqlalchemy import TextClause, text
from sqlalchemy.dialects.postgresql import Insert
from typing_extensions import override

from spotify_insights.jobs import attempt as attempt_module
from spotify_insights.jobs import claim as claim_module
from spotify_insights.jobs import enqueue as enqueue_module
from spotify_insights.jobs.relay.relay import Relay


class Without(StrEnum):
    """What is taken away."""

    FENCE = "fence"
    RELAY = "relay"
    UNIQUE_INDEX = "unique-index"
    LEASE_CHECK = "lease-check"


class _HeedlessInsert(Insert):
    """An INSERT that takes no notice of conflicts."""

    inherit_cache = True

    @override
    def on_conflict_do_nothing(self, *_: Any, **__: Any) -> "_HeedlessInsert":
        return self


def without_fence() -> AbstractContextManager[object]:
    """Every fenced statement finds its job whoever holds it, and whatever became of it."""
    token, nothing = "AND lease_token = :lease_token", "AND :lease_token IS NOT NULL"
    statements = ("_PROGRESS", "_STANDING", "_SUCCEED", "_END", "_AGAIN")
    fenced = {(attempt_module, name): (f"{token} AND status = 'running'", nothing) for name in statements}
    # A job that has ended has no lease that could be renewed: the table itself forbids it.
    return _changed(fenced | {(attempt_module, "_RENEW"): (token, nothing)})


def without_lease_check() -> AbstractContextManager[object]:
    """A claim takes running jobs without a look at their lease."""
    return _changed({(claim_module, "_CLAIM"): ("AND lease_expires_at < clock_timestamp()", "")})


def without_unique_index() -> AbstractContextManager[object]:
    """An equal active job stands in nobody's way; the index itself is dropped in the database."""
    return patch.object(enqueue_module, "insert", _HeedlessInsert)


def without_relay() -> AbstractContextManager[object]:
    """Relays do nothing: what a request cannot publish itself, right after its commit, nobody publishes."""
    return patch.object(Relay, "_guarded", lambda *_: None)


_MUTATIONS: Final[dict[Without, Callable[[], AbstractContextManager[object]]]] = {
    Without.FENCE: without_fence,
    Without.RELAY: without_relay,
    Without.UNIQUE_INDEX: without_unique_index,
    Without.LEASE_CHECK: without_lease_check,
}


def taken_away(without: Without) -> AbstractContextManager[object]:
    """It is missing from this process while the block runs."""
    return _MUTATIONS[without]()


def apply(without: Without) -> None:
    """Take it away from this process, for good."""
    taken_away(without).__enter__()


def _changed(replacements: dict[tuple[Any, str], tuple[str, str]]) -> AbstractContextManager[object]:
    stack = ExitStack()
    for (module, name), (old, new) in replacements.items():
        statement: TextClause = getattr(module, name)
        words = " ".join(statement.text.split())
        if old not in words:
            raise RuntimeError(f"{module.__name__}.{name} no longer says {old!r}: renew this control.")
        stack.enter_context(patch.object(module, name, text(words.replace(old, new))))
    return stack
