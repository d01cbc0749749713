"""A stored upload as a seekable file, of which a few pieces at a time are in memory."""

import io
from collections import OrderedDict
from typing import IO, Final
from uuid import UUID

from typing_extensions import Buffer, override

from spotify_insights.database.actor import Actor
from spotify_insights.database.database import Database
from spotify_insights.errors import NotFoundError
from spotify_insights.storage.read import FileFacts, read_chunk, stored_file
from spotify_insights.storage.write import CHUNK_BYTES

# A zip is read at its end, and then from one place on; nobody needs more.
_PIECES_IN_MEMORY: Final = 3
_BUFFER_BYTES: Final = 256 * 1024
_GONE: Final = "The upload is not here any more. Upload the file again."


def upload_facts(database: Database, actor: Actor, user_id: UUID, file_id: UUID) -> FileFacts:
    """The upload.

    Raises:
        NotFoundError: it is not there, or its time is over.
    """
    with database.transaction(acting_for=actor) as tx:
        try:
            return stored_file(tx.session, user_id, file_id, kind="upload")
        except NotFoundError:
            raise NotFoundError(_GONE) from None


def open_upload(database: Database, actor: Actor, user_id: UUID, facts: FileFacts) -> IO[bytes]:
    """The content, to be read from whichever place; each piece is fetched in a transaction of its own.

    Reading raises NotFoundError when the upload has been deleted meanwhile.
    """
    return io.BufferedReader(_Pieces(database, actor, user_id, facts), _BUFFER_BYTES)


class _Pieces(io.RawIOBase):
    def __init__(self, database: Database, actor: Actor, user_id: UUID, facts: FileFacts) -> None:
        self._database = database
        self._actor = actor
        self._user_id = user_id
        self._facts = facts
        self._position = 0
        self._pieces: OrderedDict[int, bytes] = OrderedDict()

    @override
    def readable(self) -> bool:
        return True

    @override
    def seekable(self) -> bool:
        return True

    @override
    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._facts.size_bytes}[whence]
        if start + offset < 0:
            raise ValueError("There is nothing before the beginning of a file.")
        self._position = start + offset
        return self._position

    @override
    def tell(self) -> int:
        return self._position

    @override
    def readinto(self, buffer: Buffer, /) -> int:
        target = memoryview(buffer).cast("B")
        if self._position >= self._facts.size_bytes:
            return 0
        number, offset = divmod(self._position, CHUNK_BYTES)
        part = memoryview(self._piece(number))[offset : offset + len(target)]
        target[: len(part)] = part
        self._position += len(part)
        return len(part)

    def _piece(self, number: int) -> bytes:
        piece = self._pieces.get(number)
        if piece is None:
            with self._database.transaction(acting_for=self._actor) as tx:
                piece = read_chunk(tx.session, self._user_id, self._facts.file_id, number)
            if piece is None:
                raise NotFoundError(_GONE)
            if len(self._pieces) >= _PIECES_IN_MEMORY:
                self._pieces.popitem(last=False)
            self._pieces[number] = piece
        self._pieces.move_to_end(number)
        return piece
