"""What changed in a packed history, and what is held of it brought up to date with that. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from spotify_insights.listening.analytics.columns import HistoryColumns, PlayColumns, TrackColumns
from spotify_insights.listening.analytics.grow import grown

T = TypeVar("T", PlayColumns, TrackColumns)


@dataclass(frozen=True)
class Change:
    """The blocks by their numbers that are newer than the generation `since`, and how many there are now."""

    since: int
    generation: int
    play_blocks: int
    track_blocks: int
    plays: Mapping[int, PlayColumns]
    tracks: Mapping[int, TrackColumns]


@dataclass(frozen=True)
class State:
    """A history as it was when its last change had this generation, with the lengths of its blocks."""

    generation: int
    columns: HistoryColumns
    play_lengths: tuple[int, ...]
    track_lengths: tuple[int, ...]


def changed(before: State, change: Change) -> State | None:
    """The history after the change; None where its blocks do not make a whole.

    A block keeps its generation as long as it keeps its content, and each later change of the listener's
    history has a greater one. So the change may be one since an earlier state, too: what both know, the
    change knows as it is now, and what only `before` knows is as it was. Not for two threads at once with
    the same `before`.

    Args:
        before: of any generation from `change.since` on to that of the change.
    """
    plays = _pieces(before.play_lengths, change.plays, change.play_blocks, before.columns.plays.where)
    tracks = _pieces(
        before.track_lengths, change.tracks, change.track_blocks, _parts_of(before.columns.tracks)
    )
    if plays is None or tracks is None:
        return None
    same_plays, new_plays = plays
    same_tracks, new_tracks = tracks
    columns = grown(
        before.columns,
        new_plays,
        new_tracks,
        kept_plays=sum(same_plays),
        kept_tracks=sum(same_tracks),
    )
    return State(
        change.generation,
        columns,
        (*same_plays, *map(len, new_plays)),
        (*same_tracks, *map(len, new_tracks)),
    )


def _pieces(
    lengths: tuple[int, ...], newer: Mapping[int, T], count: int, part: Callable[[slice], T]
) -> tuple[tuple[int, ...], list[T]] | None:
    """The lengths of the blocks that stay, up to the first that changed, and all from that one on."""
    first = min([*newer, count, len(lengths)])
    pieces: list[T] = []
    begin = sum(lengths[:first])
    for number in range(first, count):
        length = lengths[number] if number < len(lengths) else 0
        if number in newer:
            pieces.append(newer[number])
        elif number < len(lengths):
            pieces.append(part(slice(begin, begin + length)))
        else:
            return None
        begin += length
    return lengths[:first], pieces


def _parts_of(tracks: TrackColumns) -> Callable[[slice], TrackColumns]:
    def part(chosen: slice) -> TrackColumns:
        return TrackColumns(
            track_id=tracks.track_id[chosen],
            artist=tracks.artist[chosen],
            album=tracks.album[chosen],
            duration_ms=tracks.duration_ms[chosen],
            features=tracks.features[chosen],
            providers=tracks.providers[chosen],
        )

    return part
