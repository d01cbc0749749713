"""Asking for an import: the upload is stored piece by piece, then a job is queued. And asking to undo one."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from spotify_insights.accounts.erasing import refuse_if_erasing
from spotify_insights.database.actor import Actor
from spotify_insights.database.database import Database, Transaction
from spotify_insights.errors import ConflictError, NotFoundError
from spotify_insights.jobs.enqueue import enqueue
from spotify_insights.listening.imports.jobs import ImportHistory, UndoImport
from spotify_insights.listening.imports.unwanted_uploads import expire_unwanted_uploads
from spotify_insights.storage.purge import drop_file
from spotify_insights.storage.read import count_files
from spotify_insights.storage.write import add_chunk, begin_file, complete_file, keep_file_for

# Files wait for their import in the database: nobody fills it with them.
MOST_UPLOADS: Final = 3
# An upload whose process was killed is deleted by the first purge after this.
_ARRIVES_WITHIN: Final = timedelta(hours=6)
_KEPT_FOR: Final = timedelta(days=1)

_OWNER: Final = "SELECT i.user_id FROM imports i WHERE i.id = :import_id AND {owned}"


@dataclass(frozen=True)
class Upload:
    """A file that has arrived as a whole; `sha256` is of its content, in hexadecimal digits."""

    file_id: UUID
    size_bytes: int
    sha256: str


@dataclass(frozen=True)
class RequestedUndo:
    """The task that undoes an import, and whose it is."""

    task_id: UUID
    user_id: UUID


def begin_upload(tx: Transaction, user_id: UUID, name: str) -> UUID:
    """A new upload without content; its id.

    Raises:
        NotFoundError: there is no such user.
        ConflictError: they are being erased, or too many uploads of theirs wait already.
    """
    # It also makes two requests of one user count one after the other.
    refuse_if_erasing(tx.session, user_id)
    expire_unwanted_uploads(tx.session, user_id)
    if count_files(tx.session, user_id, kind="upload") >= MOST_UPLOADS:
        raise ConflictError(
            f"{MOST_UPLOADS} uploads are waiting to be imported already. Try again when one of them is done."
        )
    return begin_file(
        tx.session,
        user_id,
        kind="upload",
        name=name,
        media_type="application/octet-stream",
        lasts=_ARRIVES_WITHIN,
    )


def add_to_upload(
    database: Database, user_id: UUID, file_id: UUID, number: int, content: bytes, *, acting_for: Actor
) -> None:
    """Store the piece `number`, which has `storage.write.CHUNK_BYTES` unless it is the last one.

    Raises:
        ConflictError: the upload was deleted meanwhile.
    """
    try:
        with database.transaction(acting_for=acting_for) as tx:
            add_chunk(tx.session, user_id, file_id, number, content)
    except IntegrityError:
        raise ConflictError("The upload was deleted before it had arrived. Upload the file again.") from None


def request_import(tx: Transaction, user_id: UUID, upload: Upload, *, dry_run: bool) -> UUID:
    """Queue the import of what has arrived, and return the id of its task.

    Args:
        dry_run: only find out what the import would bring.

    Raises:
        NotFoundError: there is no such user.
        BeingErasedError: they are leaving.
    """
    refuse_if_erasing(tx.session, user_id)
    keep_file_for(tx.session, upload.file_id, _KEPT_FOR)
    complete_file(tx.session, upload.file_id, size_bytes=upload.size_bytes, sha256=upload.sha256)
    return enqueue(tx, ImportHistory(user_id=user_id, file_id=upload.file_id, dry_run=dry_run))


def drop_upload(database: Database, user_id: UUID, file_id: UUID, *, acting_for: Actor) -> None:
    """Delete an upload, some megabytes at a time. Safe to repeat."""
    rows = 1
    while rows:
        with database.transaction(acting_for=acting_for) as tx:
            rows = drop_file(tx.session, user_id, file_id)


def request_undo(tx: Transaction, import_id: UUID, *, acting_for: Actor) -> RequestedUndo:
    """Queue the undoing of an import of one of the actor's; one that is under way already is joined.

    Raises:
        NotFoundError: there is no such import, or not for this actor.
        BeingErasedError: the listener is leaving.
    """
    statement = text(_OWNER.format(owned=acting_for.owns("i.user_id", acting_user=":acting_user")))
    user_id = tx.session.scalar(statement, {"import_id": import_id, **acting_for.owner_parameters})
    if user_id is None:
        raise NotFoundError("There is no such import. It may have been undone already.")
    tx.continue_as(Actor.listener(user_id))
    refuse_if_erasing(tx.session, user_id)
    return RequestedUndo(enqueue(tx, UndoImport(user_id=user_id, import_id=import_id)), user_id)
