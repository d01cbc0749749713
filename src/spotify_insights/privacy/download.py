"""Giving an export to whoever has its link, once."""

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from spotify_insights.access.export_link import find_export, use_export_link
from spotify_insights.audit.event import AuditEvent
from spotify_insights.audit.record import AuditLog, Origin
from spotify_insights.database.actor import AUTHENTICATION, Actor
from spotify_insights.database.database import Database
from spotify_insights.errors import NotFoundError, UnavailableError
from spotify_insights.storage.read import FileFacts, read_chunk, stored_file


@dataclass(frozen=True)
class Download:
    """A file on its way: what it is, and its content a piece at a time."""

    facts: FileFacts
    content: Iterator[bytes]


def look_at_download(database: Database, token: str) -> FileFacts:
    """What the link leads to; it stays open.

    Raises:
        NotFoundError: the link is unknown, used or too old, or the file is gone.
    """
    with database.transaction(acting_for=AUTHENTICATION) as tx:
        linked = find_export(tx, token)
        if linked is None:
            raise _no_such_link()
        tx.continue_as(Actor.listener(linked.user_id))
        return stored_file(tx.session, linked.user_id, linked.file_id, kind="export")


def begin_download(database: Database, token: str, *, audit: AuditLog, origin: Origin | None) -> Download:
    """Use the link up and give the file. Of several who come at once, one gets it.

    The first piece is read before, so that a link is not lost to a database that does not answer.

    Raises:
        NotFoundError: as `look_at_download`.
    """
    with database.transaction(acting_for=AUTHENTICATION) as tx:
        linked = find_export(tx, token)
        if linked is None:
            raise _no_such_link()
        tx.continue_as(Actor.listener(linked.user_id))
        facts = stored_file(tx.session, linked.user_id, linked.file_id, kind="export")
        first = read_chunk(tx.session, linked.user_id, linked.file_id, 0)
        if not use_export_link(tx, token):
            raise _no_such_link()
        # Whoever has the link need not be the listener.
        audit.record(
            tx,
            AuditEvent.EXPORT_DOWNLOADED,
            actor=AUTHENTICATION,
            subject=linked.user_id,
            details={"bytes": facts.size_bytes},
            origin=origin,
        )
    return Download(facts, _pieces(database, linked.user_id, facts, first))


def _pieces(database: Database, user_id: UUID, facts: FileFacts, first: bytes | None) -> Iterator[bytes]:
    piece, number, sent = first, 0, 0
    while piece is not None:
        yield piece
        sent += len(piece)
        if sent >= facts.size_bytes:
            return
        number += 1
        with database.transaction(acting_for=Actor.listener(user_id)) as tx:
            piece = read_chunk(tx.session, user_id, facts.file_id, number)
    # Half an answer is out: only breaking off tells the client.
    raise UnavailableError("The file was deleted while it was being downloaded.")


def _no_such_link() -> NotFoundError:
    return NotFoundError(
        "This link leads nowhere: it was used, its time is over, or it never was one. Ask for a new one."
    )
