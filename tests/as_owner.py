"""What only the owner of the tables may do: make a test's own, empty and measure those of the product."""

import psycopg


def as_owner(database_url: str, *statements: str) -> None:
    """Execute the statements, each in a transaction of its own, as whoever migrates."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


ANYBODY = "spotify_insights_api, spotify_insights_worker, spotify_insights_relay"
