"""No sealed column is forgotten by a rotation, and nothing sealed opens in another place of the database."""

import itertools

import pytest
from sqlalchemy import text

from makers import a_connected_user
from sealed_trials import COLUMN_OF, a_secret_everywhere
from spotify_insights.accounts.access import AccessTokens
from spotify_insights.database.actor import SYSTEM
from spotify_insights.installation.sealed_columns import SEALED_COLUMNS
from spotify_insights.runtime import Runtime
from spotify_insights.security.sealing import BrokenSealError, SealedText


def test_every_column_of_sealed_values_is_known(runtime: Runtime) -> None:
    statement = """
        SELECT table_name || '.' || column_name FROM information_schema.columns
         WHERE table_schema = 'public' AND column_name LIKE 'sealed%'
    """
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        there = tx.session.scalars(text(statement)).all()

    assert set(there) == set(COLUMN_OF)
    assert len(SEALED_COLUMNS) == len(COLUMN_OF)


def test_ciphertext_from_a_dump_opens_in_no_other_row_column_or_table(runtime: Runtime) -> None:
    a_secret_everywhere(runtime)
    a_connected_user(runtime)
    values = []
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        for column in SEALED_COLUMNS:
            # Only constants are put together.
            statement = f"SELECT id, {column.user} AS user_id, {column.column} FROM {column.table}"  # noqa: S608
            values += [
                (column.place(row.id, row.user_id), SealedText(row[2]))
                for row in tx.session.execute(text(statement))
            ]
    assert len(values) == len(SEALED_COLUMNS) + 2

    for (place, sealed), (other, _) in itertools.product(values, values):
        if place == other:
            runtime.sealer.open(sealed, place)
        else:
            with pytest.raises(BrokenSealError):
                runtime.sealer.open(sealed, other)


@pytest.mark.parametrize("column", ["sealed_access_token", "sealed_refresh_token"])
def test_tokens_moved_to_another_listener_are_not_used_for_them(runtime: Runtime, column: str) -> None:
    """Whoever can write to the database but has no key gets nobody's access by moving what is there."""
    robin, sasha = a_connected_user(runtime), a_connected_user(runtime, access_token="BQD-of-sasha")
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        tx.session.execute(
            text(f"""
                UPDATE spotify_tokens AS theirs SET {column} = ours.{column}
                  FROM spotify_tokens AS ours WHERE theirs.user_id = :robin AND ours.user_id = :sasha
            """),  # noqa: S608  # constants
            {"robin": robin, "sasha": sasha},
        )
    tokens: AccessTokens = runtime.tokens

    with pytest.raises(BrokenSealError):
        tokens.renewed(robin, seen_version=1) if column == "sealed_refresh_token" else tokens.current(robin)
    assert tokens.current(sasha).token.get_secret_value() == "BQD-of-sasha"
