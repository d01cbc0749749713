"""The tests' own view of the servers: as the owner of the tables, who sees all rows."""

from collections.abc import Sequence
from typing import Any, Final

import psycopg
import redis
from psycopg import sql

from spotify_insights.tables import metadata

# Parents first, as foreign keys need it the other way round.
TABLES: Final = tuple(table.name for table in metadata.sorted_tables)
# Deleting the few rows of a test takes a millisecond; to truncate every table would take two hundred.
_LARGE_BYTES: Final = 256 * 1024

_FULL_TABLES: Final = sql.SQL(" UNION ALL ").join(
    sql.SQL("SELECT {name}, pg_relation_size({name}) WHERE EXISTS (SELECT FROM {table})").format(
        name=sql.Literal(table), table=sql.Identifier(table)
    )
    for table in TABLES
)
_RESTART_SEQUENCES: Final = """
    SELECT setval(c.oid, 1, false)
      FROM pg_class c WHERE c.relkind = 'S' AND c.relnamespace = current_schema()::regnamespace
"""


class OwnerConnection:
    """One connection each to PostgreSQL and Redis, made anew where a test broke it."""

    def __init__(self, database_url: str, redis_url: str) -> None:
        self._database_url = database_url
        self._connection: psycopg.Connection | None = None
        self.redis = redis.Redis.from_url(redis_url)

    def rows(self, query: sql.Composed | str, parameters: Sequence[Any] | None = None) -> list[Any]:
        """What the query gives, which is prepared: it will be asked after every test."""
        statement = query.encode() if isinstance(query, str) else query
        try:
            cursor = self._connected().execute(statement, parameters, prepare=True)
        except psycopg.OperationalError:
            self._connection = None
            cursor = self._connected().execute(statement, parameters, prepare=True)
        return cursor.fetchall() if cursor.description else []

    def remove_everything(self) -> None:
        """No row, no key, and every sequence at its beginning."""
        full = dict(self.rows(_FULL_TABLES))
        for table in reversed(TABLES):
            if table in full:
                order = "TRUNCATE {} CASCADE" if full[table] > _LARGE_BYTES else "DELETE FROM {}"
                self.rows(sql.SQL(order).format(sql.Identifier(table)))
        self.rows(_RESTART_SEQUENCES)
        self.redis.flushdb()

    def close(self) -> None:
        self.redis.close()
        if self._connection is not None:
            self._connection.close()

    def _connected(self) -> psycopg.Connection:
        if self._connection is None or self._connection.closed:
            self._connection = psycopg.connect(
                self._database_url, autocommit=True, application_name="the tests' own view"
            )
        return self._connection
