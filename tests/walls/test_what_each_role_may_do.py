"""The grants behind the walls: what each role of the database may do with tables, whoever acts."""

from collections.abc import Mapping

import psycopg

from owner_tables import owner_tables
from spotify_insights.database.role import DatabaseRole

API, WORKER, RELAY = DatabaseRole

PRIVILEGES = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER")

# Functions that run as the owner of the tables, and why that shows nobody's rows to anybody.
AS_THE_OWNER: Mapping[str, str] = {
    "purge_audit_log": "deletes what is older than a month at least, and gives a number",
    "spotify_connection_figures": "gives three numbers",
    "listening_gap_figures": "gives two numbers",
    "analyze_plays": "lets the planner count rows, and gives nothing",
    "refuse_plays_of_nothing": "a trigger, which tells how many of the rows that were added refer to nothing",
    "refuse_truncated_plays": "a trigger for the owner of the tables alone",
    "delete_plays_of_listener": "a trigger for a listener who is being deleted",
    "refuse_to_delete_played_track": "a trigger, which tells that somebody plays a track",
}


def granted(connection: psycopg.Connection, role: DatabaseRole) -> dict[str, set[str]]:
    """The privileges of this role by table; of columns, too."""
    rows = connection.execute(
        """SELECT c.relname, p.privilege
             FROM pg_class c CROSS JOIN unnest(%(privileges)s::text[]) AS p (privilege)
            WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
              AND (has_table_privilege(%(role)s, c.oid, p.privilege)
                   OR p.privilege IN ('SELECT', 'INSERT', 'UPDATE', 'REFERENCES')
                      AND has_any_column_privilege(%(role)s, c.oid, p.privilege))""",
        {"role": role, "privileges": list(PRIVILEGES)},
    )
    found: dict[str, set[str]] = {}
    for table, privilege in rows.fetchall():
        found.setdefault(table, set()).add(privilege)
    return found


def test_the_api_deletes_no_person_and_no_history(connection: psycopg.Connection) -> None:
    may = granted(connection, API)

    for table in (
        "users",
        "plays",
        "listening_snapshots",
        "generated_insights",
        "background_jobs",
        "erasures",
    ):
        assert "DELETE" not in may[table], table
    for table in ("plays", "listening_snapshots", "generated_insights"):
        assert may[table] == {"SELECT"}, table


def test_the_api_only_reads_the_schedule_and_the_alerts(connection: psycopg.Connection) -> None:
    may = granted(connection, API)

    assert (may["schedule_slots"], may["alerts"]) == ({"SELECT"}, {"SELECT"})


def test_the_relay_knows_jobs_and_no_people(connection: psycopg.Connection) -> None:
    assert granted(connection, RELAY).keys() == {
        *("background_jobs", "schedule_slots", "alerts", "idempotency_keys", "alembic_version")
    }


def test_nobody_changes_the_audit_log(connection: psycopg.Connection) -> None:
    assert {role: granted(connection, role).get("audit_log", set()) for role in DatabaseRole} == {
        API: {"SELECT", "INSERT"},
        WORKER: {"SELECT", "INSERT"},
        RELAY: set(),
    }


def test_no_role_changes_the_tables_themselves(connection: psycopg.Connection) -> None:
    for role in DatabaseRole:
        may = granted(connection, role)
        assert may["alembic_version"] == {"SELECT"}
        assert not any(found & {"TRUNCATE", "REFERENCES", "TRIGGER"} for found in may.values()), role
        schema = connection.execute("SELECT has_schema_privilege(%s, 'public', 'CREATE')", [role]).fetchone()
        assert schema == (False,)


def test_everybody_of_the_server_together_may_do_nothing(connection: psycopg.Connection) -> None:
    """PUBLIC stands for all roles there are, also those of other databases."""
    tables = connection.execute(
        """SELECT table_name, privilege_type FROM information_schema.role_table_grants
            WHERE table_schema = 'public' AND grantee = 'PUBLIC'"""
    ).fetchall()

    assert tables == []


def test_no_role_can_sign_in_own_a_table_or_pass_a_wall(connection: psycopg.Connection) -> None:
    rows = connection.execute(
        """SELECT rolname, rolsuper, rolcanlogin, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication,
                  (SELECT count(*) FROM pg_auth_members m WHERE m.member = r.oid),
                  (SELECT count(*) FROM pg_class c WHERE c.relowner = r.oid)
             FROM pg_roles r WHERE rolname = ANY(%s) ORDER BY rolname""",
        [list(DatabaseRole)],
    ).fetchall()

    assert rows == [(role, *[False] * 6, 0, 0) for role in sorted(DatabaseRole)]


def test_what_runs_as_the_owner_of_the_tables_shows_nobodys_rows(connection: psycopg.Connection) -> None:
    rows = connection.execute(
        """SELECT proname, has_function_privilege('public', oid, 'EXECUTE'), proconfig::text
             FROM pg_proc WHERE prosecdef AND pronamespace = 'public'::regnamespace"""
    ).fetchall()

    assert {name for name, _, _ in rows} == AS_THE_OWNER.keys()
    for name, for_everybody, settings in rows:
        assert not for_everybody, name
        assert 'search_path=pg_catalog, public, pg_temp"' in settings, f"{name} can be led to foreign things"


def test_no_view_leads_around_the_walls(connection: psycopg.Connection) -> None:
    """A view reads as its owner, unless it says otherwise."""
    rows = connection.execute(
        """SELECT relname FROM pg_class
            WHERE relnamespace = 'public'::regnamespace AND relkind IN ('v', 'm')
              AND NOT coalesce(reloptions, '{}') @> '{security_invoker=true}'"""
    ).fetchall()

    assert rows == []


def test_only_tables_without_an_owner_have_no_wall(connection: psycopg.Connection) -> None:
    rows = connection.execute(
        """SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace
              AND relkind IN ('r', 'p') AND NOT (relrowsecurity AND relforcerowsecurity)"""
    ).fetchall()

    assert {name for (name,) in rows}.isdisjoint({*owner_tables(connection), "audit_log"})
