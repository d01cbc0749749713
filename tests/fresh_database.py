"""Databases of a test's own, and what the catalogue of PostgreSQL says about one."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import psycopg
from psycopg import sql
from psycopg.errors import InsufficientPrivilege
from sqlalchemy import make_url

Catalogue = dict[str, set[tuple[str, ...]]]

# PostgreSQL 18 keeps NOT NULL as constraints, too; older ones only as a property of the column.
_CATALOGUE = {
    "columns": """
        SELECT table_name, column_name, data_type, udt_name, is_nullable, coalesce(column_default, ''),
               is_identity
          FROM information_schema.columns WHERE table_schema = 'public'
    """,
    "constraints": """
        SELECT r.relname, c.conname, pg_get_constraintdef(c.oid)
          FROM pg_constraint c JOIN pg_class r ON r.oid = c.conrelid
         WHERE c.connamespace = 'public'::regnamespace AND c.contype <> 'n'
    """,
    "indexes": "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
}


@contextmanager
def fresh_database(server_url: str) -> Iterator[str]:
    """The address of a new, empty database on this server, gone when the block ends."""
    name = f"spotify_insights_fresh_{uuid4().hex}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    try:
        yield make_url(server_url).set(database=name).render_as_string(hide_password=False)
    finally:
        with psycopg.connect(server_url, autocommit=True) as connection:
            drop = sql.SQL("DROP DATABASE {}").format(sql.Identifier(name))
            try:
                connection.execute(drop + sql.SQL(" WITH (FORCE)"))
            except InsufficientPrivilege:
                # Autovacuum is there, which no test may end by force; the server asks it to leave by itself.
                connection.execute(drop)


def catalogue_of(database_url: str) -> Catalogue:
    """Columns, constraints and indexes of the public schema, without Alembic's own table."""
    with psycopg.connect(database_url) as connection:
        return {
            kind: {row for row in connection.execute(query.encode()) if row[0] != "alembic_version"}
            for kind, query in _CATALOGUE.items()
        }
