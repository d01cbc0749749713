"""Running an import from whichever door it came, and undoing one: with the end of the job, or not at all."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from spotify_insights.audio_features.provider import AudioFeatureProvider
from spotify_insights.cache.cache import Cache
from spotify_insights.cache.keys import listener_scope
from spotify_insights.clock import now
from spotify_insights.errors import ProductError, SnoozeError, TemporaryError, UnavailableError
from spotify_insights.jobs.attempt import Attempt, FencedError
from spotify_insights.listening.features.fill import queue_fill
from spotify_insights.listening.imports.import_history import HistoryImport, Imported
from spotify_insights.listening.imports.jobs import ImportHistory, UndoImport
from spotify_insights.listening.imports.opened_exports import OpenedExports
from spotify_insights.listening.imports.receipt import Receipt
from spotify_insights.listening.imports.request import drop_upload
from spotify_insights.listening.imports.stored_upload import open_upload, upload_facts
from spotify_insights.listening.imports.tell_planner import tell_planner
from spotify_insights.listening.imports.undo import undo_import
from spotify_insights.listening.wait_for_purge import wait_for_purge
from spotify_insights.spotify_export.archive import open_export


class _OnlyRehearsedError(Exception):
    """Ends the transaction of a dry run."""


def import_history(
    attempt: Attempt, job: ImportHistory, *, cache: Cache, reccobeats: AudioFeatureProvider | None
) -> None:
    """Import an upload, which is deleted when the job has ended for good. An attempt begins from the start.

    Args:
        reccobeats: as for `ingest_listening_data`.

    Raises:
        InvalidInputError: the file is no export, or is damaged; nothing of it is stored.
        NotFoundError: the upload is not there any more.
        HistoryBusyError, PurgePendingError: another job is changing this history; this is to be tried again.
        FencedError, JobCancelledError: as `Attempt.progress`.
    """
    wait_for_purge(attempt, job.user_id)
    database, actor = attempt.database, attempt.actor
    with _upload_while_needed(attempt, job):
        facts = upload_facts(database, actor, job.user_id, job.file_id)
        attempt.progress("opening", done=0, total=facts.size_bytes)
        with open_upload(database, actor, job.user_id, facts) as content:
            file = OpenedExports([open_export(content, facts.name)], facts.name, facts.size_bytes, now())
            importing = HistoryImport(
                database,
                actor,
                job.user_id,
                file,
                lambda _batch: attempt.progress("importing", done=file.bytes_done, total=file.total_bytes),
            )
            if job.dry_run:
                receipt = rehearse(importing)
                with attempt.completion() as completion:
                    completion.result = result_of(None, receipt)
            else:
                with importing.leaving_nothing(), attempt.completion() as completion:
                    imported = importing.run(completion.tx)
                    cache.invalidate(completion.tx, [listener_scope(job.user_id)])
                    completion.result = result_of(imported, imported.receipt)
                tell_planner(database, imported.receipt)
                queue_fill(database, reccobeats)


def undo_one_import(attempt: Attempt, job: UndoImport, *, cache: Cache) -> None:
    """Take the import out of the history.

    Raises:
        NotFoundError: there is no such import, or it was undone.
        HistoryBusyError: another job is changing this history; this is to be tried again.
    """
    with attempt.completion() as completion:
        cache.invalidate(completion.tx, [listener_scope(job.user_id)])
        removed = undo_import(completion.tx, job.user_id, job.import_id)
        completion.result = {"import_id": str(job.import_id), **removed}


def rehearse(importing: HistoryImport) -> Receipt:
    """What the import would bring; nothing of it stays.

    Raises: as `HistoryImport.run`.
    """
    receipt = Receipt()
    with (
        suppress(_OnlyRehearsedError),
        importing.leaving_nothing(),
        importing.database.transaction(acting_for=importing.actor) as tx,
    ):
        receipt = importing.run(tx).receipt
        raise _OnlyRehearsedError
    return receipt


def result_of(imported: Imported | None, receipt: Receipt) -> dict[str, Any]:
    """What an import tells when it is over; None stands for a dry run."""
    import_id = None if imported is None else str(imported.import_id)
    return {"import_id": import_id, "dry_run": imported is None, **receipt.document}


@contextmanager
def _upload_while_needed(attempt: Attempt, job: ImportHistory) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        if not _comes_back(attempt, error):
            _drop(attempt, job)
        raise
    _drop(attempt, job)


def _comes_back(attempt: Attempt, error: Exception) -> bool:
    """Whether another attempt needs the upload."""
    if isinstance(error, SnoozeError | FencedError):
        return True
    is_final = isinstance(error, ProductError) and not isinstance(error, TemporaryError | UnavailableError)
    return not is_final and attempt.number < attempt.max_attempts


def _drop(attempt: Attempt, job: ImportHistory) -> None:
    # What cannot be deleted now expires within a day.
    with suppress(UnavailableError):
        drop_upload(attempt.database, job.user_id, job.file_id, acting_for=attempt.actor)
