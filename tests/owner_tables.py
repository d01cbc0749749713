"""Which tables belong to people, asked of the database itself, and what their walls lack."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import psycopg

from spotify_insights.database.role import DatabaseRole

# What an owner's column is called. A column with a foreign key to `users` counts whatever it is called.
_OWNER_NAMES: Final = ("user_id", "owner_id")

# Columns that name a person whom the row does not belong to.
NOT_THE_OWNER: Final[Mapping[tuple[str, str], str]] = {
    ("users", "registered_by"): "the service that may act for the person, who is the row itself",
    ("user_identities", "asserted_by"): "the service that claimed it; the row belongs to the person",
    ("one_time_links", "created_by"): "who made the link for somebody else",
}

_TABLES: Final = """
    SELECT c.oid, c.relname, c.relrowsecurity, c.relforcerowsecurity, pg_get_userbyid(c.relowner)
      FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') ORDER BY 2
"""
_COLUMNS: Final = """
    SELECT a.attname,
           EXISTS (SELECT FROM pg_constraint f
                    WHERE f.conrelid = a.attrelid AND f.contype = 'f'
                      AND f.confrelid = 'users'::regclass AND a.attnum = ANY(f.conkey))
      FROM pg_attribute a WHERE a.attrelid = %s AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
"""
_POLICIES: Final = """
    SELECT policyname, roles::text[], cmd, coalesce(qual, ''), coalesce(with_check, '')
      FROM pg_policies WHERE schemaname = 'public' AND tablename = %s
"""


@dataclass(frozen=True)
class OwnerTable:
    """A table whose rows belong to somebody: the column that says to whom, and how it is walled."""

    name: str
    owner: str
    enabled: bool
    forced: bool
    belongs_to: str
    policies: tuple["Policy", ...]


@dataclass(frozen=True)
class Policy:
    name: str
    roles: frozenset[str]
    command: str
    condition: str
    check: str


def owner_tables(connection: psycopg.Connection) -> dict[str, OwnerTable]:
    """Every table with an owner, by its name.

    Raises:
        AssertionError: a table names several people and does not say which of them it belongs to.
    """
    found: dict[str, OwnerTable] = {}
    for oid, name, enabled, forced, belongs_to in connection.execute(_TABLES).fetchall():
        columns = connection.execute(_COLUMNS, [oid]).fetchall()
        owners = ["id"] if name == "users" else []
        owners += [
            column
            for column, refers_to_users in columns
            if (refers_to_users or column in _OWNER_NAMES) and (name, column) not in NOT_THE_OWNER
        ]
        assert len(owners) <= 1, (
            f"{name} names people in {owners}. Say in NOT_THE_OWNER which of them do not own its rows."
        )
        if owners:
            rows = connection.execute(_POLICIES, [name]).fetchall()
            policies = tuple(Policy(*(row[0], frozenset(row[1]), *row[2:])) for row in rows)
            found[name] = OwnerTable(name, owners[0], enabled, forced, belongs_to, policies)
    return found


def flaws_of_walls(connection: psycopg.Connection) -> list[str]:
    """What the walls of this database lack, as sentences that begin with the table."""
    return [f"{table.name}: {flaw}" for table in owner_tables(connection).values() for flaw in _flaws(table)]


def _flaws(table: OwnerTable) -> Iterator[str]:
    if not table.enabled:
        yield "row-level security is not enabled"
    if not table.forced:
        yield "row-level security does not hold the owner of the table"
    for role in (DatabaseRole.API, DatabaseRole.WORKER):
        policies = [policy for policy in table.policies if role in policy.roles]
        if not policies:
            yield f"no policy for {role}"
        for policy in policies:
            yield from _flaws_of_policy(table, policy)
    if not any(table.belongs_to in policy.roles for policy in table.policies):
        yield "no policy for migrations"
    for policy in table.policies:
        strangers = policy.roles - {*DatabaseRole, table.belongs_to}
        if strangers:
            yield f"the policy {policy.name} is for {', '.join(sorted(strangers))}"
        if "current_setting('app.actor_role'" not in policy.condition:
            yield f"the policy {policy.name} does not ask who acts"


def _flaws_of_policy(table: OwnerTable, policy: Policy) -> Iterator[str]:
    if policy.command != "ALL":
        yield f"the policy {policy.name} is about {policy.command} alone"
    if f"{table.owner} = " not in policy.condition:
        yield f"the policy {policy.name} does not ask whose a row is"
    if policy.check:
        yield f"the policy {policy.name} lets rows be written by another rule than be read"
