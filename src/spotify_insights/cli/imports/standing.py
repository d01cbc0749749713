"""What was imported, taking it back, and packing a history anew."""

import json
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from spotify_insights.cli.imports.histories import history_of, when_free
from spotify_insights.cli.terminal import say
from spotify_insights.cli.which_database import WhichDatabase
from spotify_insights.database.actor import SYSTEM, Actor
from spotify_insights.listening.blocks.history import load_history
from spotify_insights.listening.blocks.refresh import refresh_blocks
from spotify_insights.listening.hold_history import hold_history
from spotify_insights.listening.imports.queries import import_documents
from spotify_insights.listening.imports.undo import undo_import

_MOST_SHOWN: Final = 1000


def show_imports(data_dir: Path | None, *, user: UUID | None, demo: bool, as_json: bool) -> None:
    """Print the imports, the newest first.

    Raises: as `history_of`.
    """
    with history_of(WhichDatabase(data_dir=data_dir, demo=demo), user) as history:
        read = import_documents(history.user_id, limit=_MOST_SHOWN, before=None)
        with history.database.transaction(acting_for=Actor.listener(history.user_id)) as tx:
            rows = tx.session.connection().exec_driver_sql(read.statement, dict(read.parameters)).one()
    imports: list[dict[str, Any]] = json.loads(rows[0])
    if as_json:
        say(json.dumps(imports))
    elif not imports:
        say("Nothing was imported yet. `spotify-insights import PATH` imports an export of Spotify's.")
    for each in [] if as_json else imports:
        receipt = each["receipt"]
        say(
            f"{each['import_id']}  {each['imported_at'][:16].replace('T', ' ')} UTC  {each['file_name']}: "
            f"{receipt['plays']:,} plays, {receipt['skips']:,} skips, {receipt['duplicates']:,} known already"
        )


def undo_one(import_id: UUID, data_dir: Path | None, *, user: UUID | None, demo: bool) -> None:
    """Take the import back and say how much that was.

    Raises:
        NotFoundError: there is no such import of this listener.
        SetupError, UnavailableError, InvalidInputError, ConflictError: as `history_of`.
    """
    with history_of(WhichDatabase(data_dir=data_dir, demo=demo), user) as history:

        def undo() -> dict[str, int]:
            with history.database.transaction(acting_for=SYSTEM) as tx:
                history.changed_in(tx)
                return undo_import(tx, history.user_id, import_id)

        removed = when_free(undo)
    say(f"Undone: {removed['plays']:,} plays and {removed['spoken_plays']:,} episodes and chapters are gone.")


def rebuild(data_dir: Path | None, *, user: UUID | None, demo: bool) -> None:
    """Pack the history anew from its plays and say how many those are.

    Raises: as `history_of`.
    """
    with history_of(WhichDatabase(data_dir=data_dir, demo=demo), user) as history:

        def pack() -> int:
            with history.database.transaction(acting_for=Actor.listener(history.user_id)) as tx:
                history.changed_in(tx)
                hold_history(tx.session, history.user_id)
                refresh_blocks(tx.session, history.user_id)
                packed = load_history(tx.session, history.user_id)
                return 0 if packed is None else len(packed.plays)

        plays = when_free(pack)
    say(f"Packed anew: {plays:,} plays.")
