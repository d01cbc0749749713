"""Alembic's entry: runs inside the connection and transaction that `database.upgrade` opened."""

from alembic import context

_connection = context.config.attributes["connection"]

context.configure(
    connection=_connection,
    # Only comparing needs the models; upgrading must work without importing the features.
    target_metadata=context.config.attributes.get("metadata"),
    compare_server_default=True,
)
with context.begin_transaction():
    context.run_migrations()
