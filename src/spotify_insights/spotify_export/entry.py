"""What Spotify's privacy exports hold, as values of ours. Address, user agent and user name are not in it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

import msgspec

ExportSource = Literal["spotify_export", "spotify_account_data"]
"""`spotify_export` is the extended streaming history; `spotify_account_data` the last year, by names only."""


class MusicEntry(msgspec.Struct, frozen=True, gc=False):
    """One row about music: what was played, until when, and for how long.

    `ended_at` is aware, in UTC, to the second (account data: to the minute). `spotify_id` is the track's, and
    None where the source has none (account data, local files). `artist_name` is the album's artist in the
    extended history. What a vintage does not tell is None.
    """

    ended_at: datetime
    ms_played: int
    track_name: str
    artist_name: str
    spotify_id: str | None = None
    album_name: str | None = None
    platform: str | None = None
    country: str | None = None
    reason_start: str | None = None
    reason_end: str | None = None
    shuffle: bool | None = None
    skipped: bool | None = None
    offline: bool | None = None
    private_session: bool = False
    is_video: bool = False
    # An offline play carries the moment of its upload; its own moment was worked out.
    time_uncertain: bool = False


class SpokenEntry(msgspec.Struct, frozen=True, gc=False):
    """One row about a podcast's episode or an audiobook's chapter. It is kept apart from music."""

    kind: Literal["podcast", "audiobook"]
    ended_at: datetime
    ms_played: int
    title: str
    show_name: str | None = None
    spotify_uri: str | None = None
    platform: str | None = None
    country: str | None = None
    reason_start: str | None = None
    reason_end: str | None = None
    private_session: bool = False
    time_uncertain: bool = False


@dataclass(frozen=True, slots=True)
class ExportBatch:
    """Some thousand rows of one file, in the file's order.

    Rows = len(music) + len(spoken) + unnamed + bad: each row of the file is counted once.

    Attributes:
        unnamed: rows that name neither a track nor an episode nor a chapter, such as those of removed tracks.
        bad: rows that are no JSON object, lack their moment or their length, or hold impossible ones.
        bytes_read: how much of the file's uncompressed content has been read so far.
    """

    source: ExportSource
    file_name: str
    music: Sequence[MusicEntry] = field(default=())
    spoken: Sequence[SpokenEntry] = field(default=())
    unnamed: int = 0
    bad: int = 0
    bytes_read: int = 0

    @property
    def rows(self) -> int:
        return len(self.music) + len(self.spoken) + self.unnamed + self.bad
