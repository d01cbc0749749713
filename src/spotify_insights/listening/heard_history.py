"""A listener's history with its names: what snapshots of calendar ranges are computed from. Plain values."""

from collections.abc import Mapping
from dataclasses import dataclass

from spotify_insights.listening.analytics.columns import HistoryColumns
from spotify_insights.listening.analytics.play_rule import DEFAULT_COUNTING, Counting


@dataclass(frozen=True, slots=True)
class HeardArtist:
    """An artist in the credits of a track that was played."""

    spotify_id: str
    name: str
    genres: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HeardTrack:
    """A track that was played, with its credits in order."""

    spotify_id: str
    name: str
    artists: tuple[HeardArtist, ...]


@dataclass(frozen=True, slots=True)
class HeardHistory:
    """The columns, the name of every track in them by its `track_id`, and what counts as a play."""

    columns: HistoryColumns
    catalogue: Mapping[int, HeardTrack]
    counting: Counting = DEFAULT_COUNTING
