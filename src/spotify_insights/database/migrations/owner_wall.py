"""The wall around a table whose rows belong to a listener, which the API reads and workers change.

Migrations are records of one moment: what stands here is never changed. A table that needs another wall gets
it in its own migration.
"""

from typing import Final

from alembic import op

_API: Final = "spotify_insights_api"
_WORKER: Final = "spotify_insights_worker"
_ROLE: Final = "current_setting('app.actor_role', true)"
_USER: Final = "nullif(current_setting('app.user_id', true), '')::uuid"


def wall(table: str) -> None:
    """Grants, and forced row-level security by the column `user_id`, as migration 0004 describes them."""
    registered = f"user_id IN (SELECT u.id FROM users u WHERE u.registered_by = {_USER})"  # noqa: S608  # constants
    op.execute(f"GRANT SELECT ON {table} TO {_API}")
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {_WORKER}")
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(f"""
        CREATE POLICY api ON {table} TO {_API} USING (
               CASE {_ROLE} WHEN 'listener' THEN user_id = {_USER}
                            WHEN 'service' THEN user_id = {_USER} OR {registered}
                            WHEN 'local' THEN true ELSE false END)
    """)
    op.execute(f"""
        CREATE POLICY worker ON {table} TO {_WORKER} USING (
               CASE {_ROLE} WHEN 'system' THEN true WHEN 'listener' THEN user_id = {_USER} ELSE false END)
    """)
    op.execute(f"CREATE POLICY migration ON {table} TO CURRENT_USER USING ({_ROLE} = 'migration')")
