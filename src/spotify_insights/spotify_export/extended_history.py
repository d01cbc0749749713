"""The extended streaming history, of every vintage: files `Streaming_History_*` and, until 2022, `endsong_*`.

What is no field here is skipped by the decoder and never becomes a value: address, user agent, user name,
city and region.
"""

import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final

import msgspec

from spotify_insights.spotify_export.entry import MusicEntry, SpokenEntry
from spotify_insights.spotify_export.json_rows import Piece, RowFormat, decoded_or_none
from spotify_insights.spotify_export.limits import (
    EARLIEST,
    Gathered,
    Milliseconds,
    Text,
    Words,
    flag_of,
    holds_nul,
    latest_end,
    length_of,
    text_of,
    whole_number_of,
)

_TRACK: Final = "spotify:track:"
_TRACK_URI_LENGTH: Final = len(_TRACK) + 22
_UNKNOWN_COUNTRY: Final = "ZZ"
# Until then `skipped` is null, or false for plays that were skipped.
_SKIPS_ARE_TOLD_SINCE: Final = datetime(2022, 10, 1, tzinfo=UTC)
# Offline stamps are seconds; older files have milliseconds. In seconds, this is the year 5138.
_SURELY_MILLISECONDS: Final = 100_000_000_000
_STAMPS_DIFFER: Final = timedelta(hours=1)
_STAMP_AHEAD: Final = timedelta(days=1)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
# The first exports wrote `2017-05-02 15:42:12 UTC`.
_OLD_MOMENT: Final = re.compile(r"(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d) UTC", re.ASCII)


class ExtendedRow(msgspec.Struct, gc=False):
    """A row as Spotify writes it; keys that a vintage lacks are None."""

    # The END of the play.
    ts: Annotated[datetime, msgspec.Meta(tz=True)]
    ms_played: Milliseconds
    platform: Text | None = None
    conn_country: Text | None = None
    master_metadata_track_name: Text | None = None
    master_metadata_album_artist_name: Text | None = None
    master_metadata_album_album_name: Text | None = None
    spotify_track_uri: Text | None = None
    episode_name: Text | None = None
    episode_show_name: Text | None = None
    spotify_episode_uri: Text | None = None
    audiobook_title: Text | None = None
    audiobook_uri: Text | None = None
    audiobook_chapter_uri: Text | None = None
    audiobook_chapter_title: Text | None = None
    reason_start: Text | None = None
    reason_end: Text | None = None
    shuffle: bool | None = None
    skipped: bool | None = None
    offline: bool | None = None
    offline_timestamp: int | None = None
    incognito_mode: bool | None = None


class _AnyRow(msgspec.Struct):
    """The same fields with values of any type."""

    ts: Any = None
    ms_played: Any = None
    platform: Any = None
    conn_country: Any = None
    master_metadata_track_name: Any = None
    master_metadata_album_artist_name: Any = None
    master_metadata_album_album_name: Any = None
    spotify_track_uri: Any = None
    episode_name: Any = None
    episode_show_name: Any = None
    spotify_episode_uri: Any = None
    audiobook_title: Any = None
    audiobook_uri: Any = None
    audiobook_chapter_uri: Any = None
    audiobook_chapter_title: Any = None
    reason_start: Any = None
    reason_end: Any = None
    shuffle: Any = None
    skipped: Any = None
    offline: Any = None
    offline_timestamp: Any = None
    incognito_mode: Any = None


_FLAGS: Final = ("shuffle", "skipped", "offline", "incognito_mode")
_OTHERS: Final = ("ts", "ms_played", "offline_timestamp", *_FLAGS)
_TEXTS: Final = tuple(name for name in _AnyRow.__struct_fields__ if name not in _OTHERS)
_AS_ANY_ROW: Final = msgspec.json.Decoder(_AnyRow)


def _alone(raw: msgspec.Raw) -> ExtendedRow | None:
    """A row with unexpected fields: what is not understood is None, except the moment and the length."""
    row = decoded_or_none(_AS_ANY_ROW, raw)
    if row is None:
        return None
    ended, length = _moment_of(row.ts), length_of(row.ms_played)
    if ended is None or length is None:
        return None
    texts = {name: text_of(getattr(row, name)) for name in _TEXTS}
    flags = {name: flag_of(getattr(row, name)) for name in _FLAGS}
    numbers = {"ms_played": length, "offline_timestamp": whole_number_of(row.offline_timestamp)}
    return msgspec.convert({"ts": ended} | texts | flags | numbers, ExtendedRow)


def _moment_of(value: object) -> datetime | None:
    if not isinstance(value, str):
        return None
    if old := _OLD_MOMENT.fullmatch(value):
        value = f"{old[1]}T{old[2]}Z"
    with suppress(msgspec.ValidationError):
        moment = msgspec.convert(value, datetime)
        return moment if moment.tzinfo is not None else None
    return None


EXTENDED_ROWS: Final = RowFormat(msgspec.json.Decoder(list[ExtendedRow]), _alone)


class ExtendedHistory:
    """Makes entries of the rows of one file.

    Args:
        now: the present moment; rows that end more than a day after it are bad.
        is_video: the file is one of videos, as its name says. Podcasts in it stay podcasts.
    """

    def __init__(self, *, now: datetime, is_video: bool) -> None:
        self._latest = latest_end(now)
        self._is_video = is_video
        self._words = Words()
        self._countries = Words(_UNKNOWN_COUNTRY)

    def add(self, piece: Piece[ExtendedRow], into: Gathered) -> None:
        """Each row of the piece becomes a part of `into`. One that names a track is music in any case."""
        into.bad += piece.bad
        latest, words, countries, is_video = self._latest, self._words, self._countries, self._is_video
        may_hold_nul = piece.may_hold_nul
        add_music = into.music.append
        for row in piece.rows:
            ended = row.ts
            if not EARLIEST <= ended <= latest or (may_hold_nul and holds_nul(msgspec.structs.astuple(row))):
                into.bad += 1
                continue
            if ended.tzinfo is not UTC or ended.microsecond:
                ended = ended.astimezone(UTC).replace(microsecond=0)
            own_end = self._own_end(row, ended) if row.offline and row.offline_timestamp else None
            name = row.master_metadata_track_name
            if not name:
                self._add_other(row, own_end or ended, into, time_uncertain=own_end is not None)
                continue
            uri = row.spotify_track_uri
            skipped = row.skipped
            add_music(
                MusicEntry(
                    own_end or ended,
                    row.ms_played,
                    name,
                    row.master_metadata_album_artist_name or "",
                    track_id_of(uri) if uri else None,
                    row.master_metadata_album_album_name or None,
                    words[row.platform],
                    countries[row.conn_country],
                    words[row.reason_start],
                    words[row.reason_end],
                    row.shuffle,
                    skipped if skipped or ended >= _SKIPS_ARE_TOLD_SINCE else None,
                    row.offline,
                    row.incognito_mode is True,
                    is_video,
                    own_end is not None,
                )
            )

    def _own_end(self, row: ExtendedRow, uploaded: datetime) -> datetime | None:
        """When an offline play ended, if `ts` is no more than the moment of its upload. Otherwise None."""
        stamp = row.offline_timestamp or 0
        seconds = stamp // 1000 if stamp > _SURELY_MILLISECONDS else stamp
        # Compared as numbers: a stamp may be too large for a moment.
        if not EARLIEST.timestamp() <= seconds <= (uploaded + _STAMP_AHEAD).timestamp():
            return None
        started = _EPOCH + timedelta(seconds=seconds)
        if abs(uploaded - started) <= _STAMPS_DIFFER:
            return None
        ended = started + timedelta(seconds=row.ms_played // 1000)
        return ended if ended <= self._latest else None

    def _add_other(self, row: ExtendedRow, ended: datetime, into: Gathered, *, time_uncertain: bool) -> None:
        """A row without a track's name: a podcast, an audiobook, or nothing that has a name."""
        podcast = row.episode_name or row.episode_show_name
        book = row.audiobook_chapter_title or row.audiobook_title
        title = podcast or book
        if not title:
            into.unnamed += 1
            return
        words = self._words
        into.spoken.append(
            SpokenEntry(
                kind="podcast" if podcast else "audiobook",
                ended_at=ended,
                ms_played=row.ms_played,
                title=title,
                show_name=words[row.episode_show_name if podcast else row.audiobook_title],
                spotify_uri=(
                    row.spotify_episode_uri if podcast else row.audiobook_chapter_uri or row.audiobook_uri
                )
                or None,
                platform=words[row.platform],
                country=self._countries[row.conn_country],
                reason_start=words[row.reason_start],
                reason_end=words[row.reason_end],
                private_session=row.incognito_mode is True,
                time_uncertain=time_uncertain,
            )
        )


def track_id_of(uri: str) -> str | None:
    """The id in a track's URI, 22 characters of base 62; None for local files and for everything else."""
    track_id = uri[len(_TRACK) :]
    is_track = len(uri) == _TRACK_URI_LENGTH and uri.startswith(_TRACK)
    return track_id if is_track and track_id.isascii() and track_id.isalnum() else None
