"""Accounts of services: programs that register listeners of their own and act for them."""

from typing import Final
from uuid import UUID

from spotify_insights.accounts.people import create_user
from spotify_insights.database.database import Transaction
from spotify_insights.database.hot_read import HotRead, moment

_SERVICES: Final = f"""
    SELECT coalesce(json_agg(json_build_object(
               'user_id', u.id, 'name', u.display_name, 'created_at', {moment("u.created_at")},
               'users', (SELECT count(*) FROM users r WHERE r.registered_by = u.id))
               ORDER BY u.id), '[]')::text
      FROM users u WHERE u.role = 'service'
"""  # noqa: S608  # only constants are put together


def create_service(tx: Transaction, name: str) -> UUID:
    """A new service account, without any key yet. Not safe to repeat: names need not be different."""
    return create_user(tx, role="service", display_name=name)


def service_documents() -> HotRead:
    """All services as one JSON list, the oldest first, and how many users each has registered."""
    return HotRead(_SERVICES, {})
