"""What PostgreSQL says about the connections to a test's database."""

import psycopg

_OPEN_TRANSACTIONS = """
    SELECT state, query FROM pg_stat_activity
     WHERE datname = current_database() AND backend_type = 'client backend'
       AND xact_start IS NOT NULL AND pid <> pg_backend_pid()
"""


def open_transactions(database_url: str) -> list[tuple[str, str]]:
    """State and latest statement of every connection with an open transaction."""
    with psycopg.connect(database_url) as connection:
        return connection.execute(_OPEN_TRANSACTIONS).fetchall()
