"""Receiving a file that somebody uploads: from the socket into storage, a megabyte at a time.

Nothing of it stays in this process or on its disk. What is refused or breaks off is deleted at once.
"""

import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import anyio
from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from spotify_insights.database.actor import Actor
from spotify_insights.errors import InvalidInputError, ProductError, UnavailableError, UnreadableRequestError
from spotify_insights.listening.imports.request import Upload, add_to_upload, begin_upload, drop_upload
from spotify_insights.observability import get_logger
from spotify_insights.runtime import Runtime
from spotify_insights.storage.write import CHUNK_BYTES
from spotify_insights.web.multipart_form import FILE_FIELD, MultipartForm

_NO_FILE: Final = "Choose the zip that Spotify sent, or one of the JSON files in it."
_BROKE_OFF: Final = "The upload broke off before its end. Nothing of it was kept; upload the file again."
# Whoever sends nothing for so long has gone.
_SILENCE_SECONDS: Final = 60.0

_log = get_logger(__name__)


class UploadTooLargeError(ProductError):
    """More was sent than an upload may have."""

    code = "request_too_large"

    def __init__(self, limit_mb: int) -> None:
        super().__init__(
            f"An upload may have {limit_mb} MB at most. Upload the files in the zip one by one, or ask the "
            "operator of this installation to import it."
        )


@dataclass(frozen=True)
class Received:
    """A file that is stored, and the other fields of its form; `sha256` is of the file's content."""

    upload: Upload
    name: str
    fields: dict[str, str]


async def receive_upload(request: Request, runtime: Runtime, user_id: UUID, *, acting_for: Actor) -> Received:
    """Store the file of a form for this listener. It is theirs to be imported or dropped.

    Raises:
        InvalidInputError: no form was sent, or none with one file.
        UnreadableRequestError: the form is damaged, or broke off.
        UploadTooLargeError: the file is larger than UPLOAD_LIMIT_MB.
        NotFoundError, ConflictError: as `begin_upload`.
        UnavailableError: the database does not answer.
    """
    arriving = _Arriving(runtime, user_id, acting_for)
    try:
        return await _receive(request, arriving, runtime.settings.upload_limit_mb)
    except ClientDisconnect:
        await arriving.drop()
        raise UnreadableRequestError(_BROKE_OFF) from None
    except BaseException:
        await arriving.drop()
        raise


async def drop_received(runtime: Runtime, user_id: UUID, file_id: UUID, *, acting_for: Actor) -> None:
    """Delete a file that was received and is not wanted; what cannot be deleted now expires."""
    try:
        await run_in_threadpool(drop_upload, runtime.database, user_id, file_id, acting_for=acting_for)
    except UnavailableError as error:
        _log.warning("upload_not_dropped", reason=error.message)


async def _receive(request: Request, arriving: "_Arriving", limit_mb: int) -> Received:
    form = MultipartForm(request.headers.get("content-type", ""))
    async for data in _pieces(request):
        form.take(data)
        if form.file_name == "":
            raise InvalidInputError(_NO_FILE, field=FILE_FIELD)
        if arriving.size_bytes + len(form.content) > limit_mb * CHUNK_BYTES:
            raise UploadTooLargeError(limit_mb)
        if form.file_name is not None:
            await arriving.take(form.content, form.file_name, is_last=False)
    if not form.is_whole:
        raise UnreadableRequestError(_BROKE_OFF)
    if form.file_name is None or (arriving.size_bytes == 0 and not form.content):
        raise InvalidInputError(_NO_FILE, field=FILE_FIELD)
    upload = await arriving.take(form.content, form.file_name, is_last=True)
    return Received(upload, form.file_name, form.fields)


async def _pieces(request: Request) -> AsyncIterator[bytes]:
    stream = request.stream()
    while True:
        try:
            with anyio.fail_after(_SILENCE_SECONDS):
                piece = await anext(stream, None)
        except TimeoutError:
            raise UnreadableRequestError(_BROKE_OFF) from None
        if piece is None:
            return
        # Servers give some ten kilobytes at a time; whatever gives all at once is divided here.
        for start in range(0, len(piece), CHUNK_BYTES):
            yield piece[start : start + CHUNK_BYTES]


class _Arriving:
    """A file on its way into storage."""

    def __init__(self, runtime: Runtime, user_id: UUID, actor: Actor) -> None:
        self._runtime = runtime
        self._actor = actor
        self._user_id = user_id
        self._digest = hashlib.sha256()
        self._file_id: UUID | None = None
        self._number = 0
        self.size_bytes = 0

    async def take(self, content: bytearray, name: str, *, is_last: bool) -> Upload:
        """Store what `content` holds of whole pieces, or all of it, and take that out of it."""
        if self._file_id is None:
            self._file_id = await run_in_threadpool(self._begin, name)
        while len(content) >= CHUNK_BYTES or (is_last and content):
            piece = bytes(content[:CHUNK_BYTES])
            del content[:CHUNK_BYTES]
            await run_in_threadpool(self._store, self._file_id, piece)
        return Upload(self._file_id, self.size_bytes, self._digest.hexdigest())

    async def drop(self) -> None:
        """Delete what has been stored so far, also where nobody waits for the answer any more."""
        if self._file_id is not None:
            with anyio.CancelScope(shield=True):
                await drop_received(self._runtime, self._user_id, self._file_id, acting_for=self._actor)

    def _begin(self, name: str) -> UUID:
        with self._runtime.database.transaction(acting_for=self._actor) as tx:
            return begin_upload(tx, self._user_id, name)

    def _store(self, file_id: UUID, piece: bytes) -> None:
        add_to_upload(
            self._runtime.database, self._user_id, file_id, self._number, piece, acting_for=self._actor
        )
        self._digest.update(piece)
        self._number += 1
        self.size_bytes += len(piece)
