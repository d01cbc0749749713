"""Making sure that a key is not needed any more before it is taken out of the ring."""

from typing import Final

from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from spotify_insights.database.database import Transaction
from spotify_insights.errors import ConflictError
from spotify_insights.installation.sealed_columns import SEALED_COLUMNS, count_sealed_values

_LOCK_NOT_AVAILABLE: Final = "55P03"
_TABLES: Final = ", ".join(sorted({column.table for column in SEALED_COLUMNS}))


class KeyInUseError(ConflictError):
    """Something is still sealed with this key."""

    code = "sealing_key_in_use"


def refuse_key_in_use(tx: Transaction, key_id: str) -> None:
    """Make sure that nothing is sealed with `key_id`, now and until the transaction ends.

    It waits a moment for those who are storing something and keeps others from it meanwhile, so nothing
    slips in between the look and the retirement.

    Raises:
        KeyInUseError: something is, or somebody has been writing for too long to tell.
    """
    try:
        with tx.session.begin_nested():
            tx.session.execute(text("SET LOCAL lock_timeout = '2s'"))
            tx.session.execute(text(f"LOCK TABLE {_TABLES} IN SHARE MODE"))
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", None) != _LOCK_NOT_AVAILABLE:
            raise
        raise KeyInUseError(
            f"Somebody is storing secrets just now, so it cannot be told whether {key_id} is still needed. "
            "Try again in a minute."
        ) from None
    used = [each for each in count_sealed_values(tx.session) if each.key_id == key_id]
    if used:
        places = ", ".join(f"{each.values} in {each.place.name}" for each in used)
        raise KeyInUseError(
            f"{key_id} still seals stored secrets: {places}. Run `spotify-insights keys rotate` first."
        )
