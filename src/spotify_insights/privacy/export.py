"""Taking one's data along: a zip of JSON files with their schema, made a page at a time."""

import hashlib
import json
import tempfile
import zipfile
from datetime import timedelta
from typing import IO, Final
from uuid import UUID

from spotify_insights.audit.event import AuditEvent
from spotify_insights.audit.record import AuditLog
from spotify_insights.clock import now
from spotify_insights.database.actor import SYSTEM
from spotify_insights.database.personal_data import PersonalTable
from spotify_insights.jobs.attempt import Attempt
from spotify_insights.privacy.export_words import SCHEMA_FILE, export_readme, export_schema
from spotify_insights.privacy.inventory import INVENTORY
from spotify_insights.privacy.jobs import ExportUserData
from spotify_insights.storage.write import add_chunk, begin_file, chunks_of, complete_file, drop_begun_files

ROWS_AT_ONCE: Final = 2000
# Beyond that the zip is made on disk, where nobody finds it by a name and nothing of it stays.
_IN_MEMORY_BYTES: Final = 8 * 1024 * 1024
# As `writestr` gives it: a file that its owner reads and writes.
_READABLE: Final = 0o600 << 16


def export_user_data(
    attempt: Attempt,
    job: ExportUserData,
    *,
    audit: AuditLog,
    lasts: timedelta,
    rows_at_once: int = ROWS_AT_ONCE,
) -> None:
    """Make the zip and store it for `lasts`. What changes meanwhile may be in it as it was or as it is.

    Raises: as `Attempt.step`.
    """
    with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES) as content:
        _write_zip(content, attempt, job.user_id, audit, rows_at_once)
        size_bytes = content.tell()
        content.seek(0)
        file_id, sha256 = _store(content, attempt, job.user_id, lasts)
    with attempt.completion() as completion:
        tx = completion.tx
        expires_at = complete_file(tx.session, file_id, size_bytes=size_bytes, sha256=sha256)
        audit.record(
            tx,
            AuditEvent.EXPORTED,
            # Who asked for it is on record since then.
            actor=SYSTEM,
            subject=job.user_id,
            details={"bytes": size_bytes},
        )
        completion.result = {
            "export_id": str(file_id),
            "size_bytes": size_bytes,
            "expires_at": expires_at.isoformat(),
        }


def _write_zip(
    content: IO[bytes], attempt: Attempt, user_id: UUID, audit: AuditLog, rows_at_once: int
) -> None:
    made_at = now()
    topics = [table for table in INVENTORY if table.topic is not None]
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("README.txt", export_readme(INVENTORY, made_at=made_at))
        archive.writestr(SCHEMA_FILE, json.dumps(export_schema(INVENTORY), indent=2))
        for done, table in enumerate(topics):
            attempt.progress(f"{table.topic}", done=done, total=len(topics) + 1)
            owner = audit.pseudonym(user_id) if table.by_pseudonym else user_id
            # A name alone would be dated 1980.
            entry = zipfile.ZipInfo(f"{table.topic}.json", date_time=made_at.timetuple()[:6])
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = _READABLE
            with archive.open(entry, "w", force_zip64=True) as file:
                _write_rows(file, attempt, table, owner, rows_at_once)
        attempt.progress("storing", done=len(topics), total=len(topics) + 1)


def _write_rows(
    file: IO[bytes], attempt: Attempt, table: PersonalTable, owner: UUID | str, rows_at_once: int
) -> None:
    # Row-level security keeps everybody else's rows out, too; the audit log has nobody's.
    actor = SYSTEM if table.by_pseudonym else attempt.actor
    file.write(b"[")
    separator = "\n"
    after = None
    while True:
        with attempt.database.transaction(acting_for=actor) as tx:
            page = table.page(tx.session, owner, after=after, most=rows_at_once)
        for row in page.rows:
            file.write(f"{separator}{row}".encode())
            separator = ",\n"
        after = page.position
        if after is None:
            break
        attempt.checkpoint()
    file.write(b"\n]\n")


def _store(content: IO[bytes], attempt: Attempt, user_id: UUID, lasts: timedelta) -> tuple[UUID, str]:
    with attempt.step() as tx:
        drop_begun_files(tx.session, user_id, kind="export")
        file_id = begin_file(
            tx.session,
            user_id,
            kind="export",
            name=f"listening-export-{now():%Y-%m-%d}.zip",
            media_type="application/zip",
            lasts=lasts,
        )
    digest = hashlib.sha256()
    for number, piece in enumerate(chunks_of(content)):
        digest.update(piece)
        with attempt.step() as tx:
            add_chunk(tx.session, user_id, file_id, number, piece)
    return file_id, digest.hexdigest()
