"""The raw listening history: paged, or as a file."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import date, datetime
from typing import Annotated, Any, ClassVar, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field
from starlette.responses import StreamingResponse

from spotify_insights.access.scopes import Scope
from spotify_insights.clock import now
from spotify_insights.database.actor import Actor
from spotify_insights.errors import NotFoundError
from spotify_insights.listening.download import FIRST_ROWS, ROWS, DownloadFormat, FileWriter, writer_of
from spotify_insights.listening.raw_history.chosen import Chosen, Position, moments_of, timezone_of
from spotify_insights.listening.raw_history.queries import download_piece, play_documents
from spotify_insights.web.authorization import acting_for_listener
from spotify_insights.web.dependencies import HotReadsDep
from spotify_insights.web.documented import Documented
from spotify_insights.web.hot_reads import JSON, PAGE_RESPONSES, HotReads
from spotify_insights.web.listening_views.asking import FromDay, ToDay
from spotify_insights.web.media_types import wanted_media_type
from spotify_insights.web.pagination import Cursor, Cursors, Limit
from spotify_insights.web.parameters import UserId
from spotify_insights.web.problems import problem_responses
from spotify_insights.web.text import PlainText

router = APIRouter(prefix="/api/listening", tags=["Listening history"])
_CURSORS = Cursors("plays")
_NO_USER: Final = "There is no such user."
_LONGEST_NAME: Final = 500

Source = Literal["spotify_api", "spotify_export", "spotify_account_data", "listenbrainz", "lastfm", "manual"]
PlaysFormat = Literal["json", "csv", "jsonl", "parquet"]
_OF_MEDIA_TYPE: Final = {each.media_type.partition(";")[0]: each for each in DownloadFormat}
_OFFERED: Final = (JSON, *_OF_MEDIA_TYPE)
Name = Annotated[PlainText | None, Field(min_length=1, max_length=_LONGEST_NAME)]


class PlayDocument(Documented):
    """One row of the history, as its source tells it. What the source does not tell is null."""

    example: ClassVar = {
        "ended_at": "2026-11-01T07:02:45.000Z",
        "ms_played": 187_000,
        "track": "Tin Roof",
        "artist": "Paper Lanterns",
        "artists": ["Paper Lanterns"],
        "album": "Weather Reports",
        "spotify_id": "1111111111111111111111",
        "isrc": None,
        "source": "spotify_export",
        "skipped": False,
        "reason_start": "trackdone",
        "reason_end": "trackdone",
        "shuffle": False,
        "offline": False,
        "platform": "android",
        "country": "NZ",
        "private_session": False,
        "time_uncertain": False,
        "superseded": False,
    }

    ended_at: datetime
    ms_played: int | None = Field(description="Never guessed, and never the track's length.")
    track: str
    artist: str | None = Field(description="The first one credited.")
    artists: list[str]
    album: str | None
    spotify_id: str | None
    isrc: str | None
    source: Source
    skipped: bool | None
    reason_start: str | None
    reason_end: str | None
    shuffle: bool | None
    offline: bool | None
    platform: str | None
    country: str | None
    private_session: bool
    time_uncertain: bool = Field(description="Played offline: the moment was worked out.")
    superseded: bool = Field(description="A better source tells the same play; it counts nowhere.")


_FILES: Final[dict[str, Any]] = {
    media_type: {"schema": {"type": "string", "format": "binary"}} for media_type in _OF_MEDIA_TYPE
}
_RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    **PAGE_RESPONSES,
    200: {**PAGE_RESPONSES[200], "content": _FILES},
    **problem_responses(404, 422),
}


@router.get("/plays", response_model=list[PlayDocument], responses=_RESPONSES)
async def read_plays(
    request: Request,
    reads: HotReadsDep,
    actor: Annotated[Actor, acting_for_listener(Scope.LISTENING_READ)],
    user_id: UserId,
    file_format: Annotated[
        PlaysFormat | None,
        Query(
            alias="format",
            description="`json` is a page; the others are the whole history as a file. Where nothing is "
            "said, the header Accept decides; who takes none of them gets a page.",
        ),
    ] = None,
    first_day: FromDay = None,
    last_day: ToDay = None,
    artist: Annotated[Name, Query(description="Only plays that credit them: a name or a Spotify id.")] = None,
    track: Annotated[Name, Query(description="Only plays of this track: a title or a Spotify id.")] = None,
    source: Annotated[Source | None, Query(description="Only what this source told.")] = None,
    min_ms: Annotated[
        int | None,
        Query(ge=0, le=2**31 - 1, description="Only what was played for so long, or nobody knows how long."),
    ] = None,
    include_skips: Annotated[bool, Query(description="Also what the source calls skipped.")] = True,  # noqa: FBT002
    include_superseded: Annotated[  # noqa: FBT002
        bool, Query(description="Also what a better source tells, too.")
    ] = False,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """The listener's raw history, the newest play first: every row, private sessions included.

    As CSV, JSON lines or Parquet it is one file with all rows that are chosen; `limit` and `cursor` are for
    pages only. The CSV is made for spreadsheets: text that they would take for a formula has an apostrophe
    before it. In JSON lines and Parquet all text is as it is.
    """
    before = _CURSORS.moment_and_number(cursor)
    since, until = await _moments(reads, user_id, first_day, last_day, actor)
    chosen = Chosen(
        since=since,
        until=until,
        artist=artist,
        track=track,
        source=source,
        min_ms=min_ms,
        include_skips=include_skips,
        include_superseded=include_superseded,
    )
    wanted = _format_wanted(request, file_format)
    # Who keeps an answer learns what else would have made it another one.
    vary = {"Vary": "Accept"} if file_format is None else {}
    if wanted is None:
        page = await reads.page(
            request,
            play_documents(user_id, chosen, limit=limit, before=before),
            acting_for=actor,
            missing=_NO_USER,
            cursors=_CURSORS,
        )
        page.headers.update(vary)
        return page
    download = Download(reads, user_id, chosen, actor, writer_of(wanted))
    first = await download.piece(FIRST_ROWS)
    headers = {
        "Content-Disposition": f'attachment; filename="plays-{now():%Y-%m-%d}.{wanted}"',
        "Content-Type": wanted.media_type,
        "Cache-Control": "no-store",
        **vary,
    }
    if request.scope.get("only_headers"):
        return Response(headers=headers)
    return StreamingResponse(download.rest(first), headers=headers)


def _format_wanted(request: Request, named: PlaysFormat | None) -> DownloadFormat | None:
    """The file that is wanted; None for a page."""
    if named is not None:
        return None if named == "json" else DownloadFormat(named)
    media_type = wanted_media_type(request.headers.getlist("accept"), _OFFERED)
    return None if media_type is None else _OF_MEDIA_TYPE.get(media_type)


async def _moments(
    reads: HotReads, user_id: UUID, first_day: date | None, last_day: date | None, actor: Actor
) -> tuple[datetime | None, datetime | None]:
    if first_day is None and last_day is None:
        return None, None
    row = await reads.row(timezone_of(user_id), acting_for=actor)
    if row is None:
        raise NotFoundError(_NO_USER)
    return moments_of(first_day, last_day, row[0])


class Download:
    """A file on its way."""

    def __init__(
        self, reads: HotReads, user_id: UUID, chosen: Chosen, actor: Actor, writer: FileWriter
    ) -> None:
        self._reads = reads
        self._user_id = user_id
        self._chosen = chosen
        self._actor = actor
        self._writer = writer
        self._before: Position | None = None
        self._is_over = False

    async def rest(self, first: bytes) -> AsyncGenerator[bytes, None]:
        """The file, of which the first piece was made already."""
        piece = first
        while not self._is_over:
            if piece:
                yield piece
            piece = await self.piece(ROWS)
        yield piece + await asyncio.to_thread(self._writer.end)

    async def piece(self, rows: int) -> bytes:
        """What the next rows add to the file.

        Raises:
            NotFoundError: there is no such listener for this actor.
        """
        read = download_piece(
            self._user_id, self._chosen, self._writer.writing, limit=rows, before=self._before
        )
        row = await self._reads.row(read, acting_for=self._actor)
        if row is None:
            raise NotFoundError(_NO_USER)
        lines, count, ended_at, number = row
        self._before = (ended_at, number)
        self._is_over = count < rows
        return await asyncio.to_thread(self._writer.take, lines)
