"""Every table that names its owner stands behind row-level security; one added without it is noticed."""

from collections.abc import Sequence

import psycopg
import pytest

from owner_tables import NOT_THE_OWNER, flaws_of_walls, owner_tables
from spotify_insights.database.role import DatabaseRole
from spotify_insights.tables import metadata

ROLE = "current_setting('app.actor_role', true)"
MINE = f"{ROLE} = 'listener' AND user_id = nullif(current_setting('app.user_id', true), '')::uuid"
WALLED = [
    "CREATE TABLE diaries (id uuid PRIMARY KEY, user_id uuid NOT NULL REFERENCES users (id))",
    "ALTER TABLE diaries ENABLE ROW LEVEL SECURITY",
    "ALTER TABLE diaries FORCE ROW LEVEL SECURITY",
    f"CREATE POLICY api ON diaries TO {DatabaseRole.API} USING ({MINE})",
    f"CREATE POLICY worker ON diaries TO {DatabaseRole.WORKER} USING ({MINE})",
    f"CREATE POLICY migration ON diaries TO CURRENT_USER USING ({ROLE} = 'migration')",
]


def without(start: str) -> list[str]:
    """The statements of a complete wall but for the one that begins like this."""
    left = [statement for statement in WALLED if not statement.startswith(start)]
    assert len(left) == len(WALLED) - 1
    return left


def test_every_table_with_an_owner_has_a_complete_wall(connection: psycopg.Connection) -> None:
    assert flaws_of_walls(connection) == []


def test_the_database_shows_which_tables_have_an_owner(connection: psycopg.Connection) -> None:
    found = owner_tables(connection)

    # Not the list itself, which nobody keeps: samples of each way to be found.
    assert found["users"].owner == "id"
    assert found["plays"].owner == "user_id"
    assert found["background_jobs"].owner == "owner_id"
    assert found["erasures"].owner == "user_id"
    assert found.keys() & {"artists", "tracks", "alerts", "schedule_slots", "alembic_version"} == set()


def test_every_reference_that_is_no_owner_is_still_there() -> None:
    there = {(table.name, column.name) for table in metadata.sorted_tables for column in table.columns}

    assert NOT_THE_OWNER.keys() <= there


@pytest.mark.parametrize(
    ("statements", "flaw"),
    [
        (WALLED[:1], "diaries: row-level security is not enabled"),
        (
            ["CREATE TABLE diaries (id uuid PRIMARY KEY, user_id uuid)"],
            "diaries: row-level security is not enabled",
        ),
        (
            ["CREATE TABLE diaries (id uuid PRIMARY KEY, keeper uuid REFERENCES users (id))"],
            "diaries: row-level security is not enabled",
        ),
        (
            without("ALTER TABLE diaries FORCE"),
            "diaries: row-level security does not hold the owner of the table",
        ),
        (without("CREATE POLICY api"), "diaries: no policy for spotify_insights_api"),
        (without("CREATE POLICY worker"), "diaries: no policy for spotify_insights_worker"),
        (without("CREATE POLICY migration"), "diaries: no policy for migrations"),
        (
            [
                *without("CREATE POLICY api"),
                f"CREATE POLICY api ON diaries TO {DatabaseRole.API} USING (true)",
            ],
            "diaries: the policy api does not ask whose a row is",
        ),
        (
            [*WALLED, f"CREATE POLICY open ON diaries USING ({MINE})"],
            "diaries: the policy open is for public",
        ),
        (
            ["DROP POLICY api ON plays"],
            "plays: no policy for spotify_insights_api",
        ),
    ],
    ids=[
        "no wall",
        "no foreign key either",
        "an owner by another name",
        "not forced",
        "not for the API",
        "not for workers",
        "not for migrations",
        "a policy that lets everything through",
        "a policy for everybody",
        "an old wall torn down",
    ],
)
def test_a_table_with_an_owner_and_no_complete_wall_is_noticed(
    connection: psycopg.Connection, statements: Sequence[str], flaw: str
) -> None:
    for statement in statements:
        connection.execute(statement.encode())

    assert flaw in flaws_of_walls(connection)


def test_a_complete_wall_is_enough(connection: psycopg.Connection) -> None:
    for statement in WALLED:
        connection.execute(statement.encode())

    assert flaws_of_walls(connection) == []


def test_a_table_that_names_two_people_has_to_say_whose_it_is(connection: psycopg.Connection) -> None:
    connection.execute(
        "CREATE TABLE gifts (giver uuid REFERENCES users (id), taker uuid REFERENCES users (id))"
    )

    with pytest.raises(AssertionError, match="gifts names people in"):
        owner_tables(connection)
