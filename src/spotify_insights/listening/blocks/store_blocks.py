"""Packed histories in the database. A block that says what it said before keeps its generation."""

from collections.abc import Iterable, Mapping
from typing import Any, Final
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from spotify_insights.database.database import rows_changed
from spotify_insights.listening.analytics.columns import FEATURES, UNKNOWN, PlayColumns
from spotify_insights.listening.blocks.describe_tracks import PackedTracks
from spotify_insights.listening.blocks.packing import (
    Arrays,
    pack_features,
    pack_identities,
    pack_plays,
    unpack_features,
    unpack_identities,
)
from spotify_insights.listening.blocks.read_rows import first_row

# Whoever learns something about tracks meanwhile waits, and marks the new content as stale, not the old one.
_HOLD: Final = text("SELECT generation FROM packed_histories WHERE user_id = :user_id FOR UPDATE")
_NEXT: Final = text("SELECT nextval('history_generations')")
_STORE_PLAYS: Final = text("""
    INSERT INTO history_blocks AS held (user_id, number, generation, first_at, last_at, plays, content)
    VALUES (:user_id, :number, :generation, :first_at, :last_at, :plays, :content)
        ON CONFLICT (user_id, number) DO UPDATE
       SET generation = excluded.generation, first_at = excluded.first_at, last_at = excluded.last_at,
           plays = excluded.plays, content = excluded.content
     WHERE held.content <> excluded.content
""")
_STORE_TRACKS: Final = text("""
    INSERT INTO history_track_blocks AS held (user_id, number, generation, tracks, identities, features)
    VALUES (:user_id, :number, :generation, :tracks, :identities, :features)
        ON CONFLICT (user_id, number) DO UPDATE
       SET generation = excluded.generation, tracks = excluded.tracks, identities = excluded.identities,
           features = excluded.features
     WHERE held.identities <> excluded.identities OR held.features <> excluded.features
""")
_DROP_PLAYS: Final = text("DELETE FROM history_blocks WHERE user_id = :user_id AND number >= :number")
_DROP_TRACKS: Final = text("DELETE FROM history_track_blocks WHERE user_id = :user_id AND number >= :number")
_DROP: Final = text("DELETE FROM packed_histories WHERE user_id = :user_id")
_TELL: Final = text("""
    INSERT INTO packed_histories AS held (user_id, generation, play_blocks, track_blocks, is_stale)
    SELECT :user_id, :generation,
           (SELECT count(*) FROM history_blocks WHERE user_id = :user_id),
           (SELECT count(*) FROM history_track_blocks WHERE user_id = :user_id),
           coalesce(CAST(:is_stale AS boolean), false)
        ON CONFLICT (user_id) DO UPDATE
       SET generation = CASE WHEN CAST(:has_changed AS boolean) THEN excluded.generation
                             ELSE held.generation END,
           play_blocks = excluded.play_blocks, track_blocks = excluded.track_blocks,
           is_stale = coalesce(CAST(:is_stale AS boolean), held.is_stale)
""")
_IDENTITIES: Final = """
    SELECT ARRAY(SELECT identities FROM history_track_blocks WHERE user_id = %(user_id)s ORDER BY number)
"""
_FEATURES: Final = """
    SELECT ARRAY(SELECT features FROM history_track_blocks
                  WHERE user_id = %(user_id)s AND number = ANY(%(numbers)s::int[]) ORDER BY number)
"""

# 73 bytes each. A new song rewrites the last block: 37 KB at most. 45,000 tracks are 88 of them.
TRACKS_PER_BLOCK: Final = 512


def hold_packed(session: Session, user_id: UUID) -> bool:
    """Whether something is packed; if so, nobody else notes anything about it until the transaction ends."""
    return session.execute(_HOLD, {"user_id": user_id}).one_or_none() is not None


def known_identities(session: Session, user_id: UUID) -> Arrays | None:
    """What the packed tracks are; None where they cannot be added to: packed in blocks of another size."""
    row = first_row(session, _IDENTITIES, {"user_id": user_id})
    blocks = [unpack_identities(content) for content in (row[0] if row else ())]
    if any(len(block["track_id"]) != TRACKS_PER_BLOCK for block in blocks[:-1]):
        return None
    if blocks and len(blocks[-1]["track_id"]) > TRACKS_PER_BLOCK:
        return None
    blocks = [unpack_identities(b""), *blocks]
    return {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}


def drop_packed(session: Session, user_id: UUID) -> None:
    """Delete all that is packed of a history."""
    for statement in (_DROP_PLAYS, _DROP_TRACKS):
        session.execute(statement, {"user_id": user_id, "number": 0})
    session.execute(_DROP, {"user_id": user_id})


class BlockWriter:
    """Stores what changed in one packed history, under a new generation; `finish` tells it to readers."""

    def __init__(self, session: Session, user_id: UUID) -> None:
        self._session = session
        self._owned: dict[str, Any] = {"user_id": user_id}
        generation: int = session.scalars(_NEXT).one()
        self._new = {**self._owned, "generation": generation}
        self._changed = 0

    def plays(self, blocks: Iterable[PlayColumns], *, first: int = 0) -> None:
        """Let these be the blocks of plays from the number `first` on."""
        number = first
        for block in blocks:
            content = {
                "number": number,
                "first_at": int(block.ended_at[0]),
                "last_at": int(block.ended_at[-1]),
                "plays": len(block),
                "content": pack_plays(block),
            }
            self._change(_STORE_PLAYS, self._new | content)
            number += 1
        self._change(_DROP_PLAYS, self._owned | {"number": number})

    def tracks(self, tracks: PackedTracks) -> None:
        """Let these be all tracks."""
        numbers = range(-(-len(tracks) // TRACKS_PER_BLOCK))
        self._tracks(numbers, (tracks.part(_places_in(number)) for number in numbers))
        self._change(_DROP_TRACKS, self._owned | {"number": len(numbers)})

    def some_tracks(self, known: Arrays, places: NDArray[np.intp], tracks: PackedTracks) -> None:
        """Let these tracks stand in these places, ascending: those of known tracks, and the next behind them.

        Args:
            known: all known tracks, as `known_identities` gave them.
        """
        stored = len(known["track_id"])
        count = max(stored, int(places[-1]) + 1)
        identities = {
            name: np.concatenate([column, np.empty(count - stored, column.dtype)])
            for name, column in known.items()
        }
        for name, column in identities.items():
            column[places] = tracks.identities[name]
        numbers: list[int] = np.unique(places // TRACKS_PER_BLOCK).tolist()
        row = first_row(self._session, _FEATURES, self._owned | {"numbers": numbers})
        contents = iter(row[0] if row else ())

        def block(number: int) -> PackedTracks:
            chosen = _places_in(number)
            begin, end = chosen.start, min(chosen.stop, count)
            features = np.full((end - begin, FEATURES), np.nan, np.float32)
            providers = np.full((end - begin, FEATURES), UNKNOWN, np.int8)
            if begin < stored:
                old_features, old_providers = unpack_features(next(contents))
                features[: len(old_features)], providers[: len(old_providers)] = old_features, old_providers
            new = slice(*np.searchsorted(places, (begin, end)).tolist())
            features[places[new] - begin] = tracks.features[new]
            providers[places[new] - begin] = tracks.providers[new]
            return PackedTracks(
                {name: column[chosen] for name, column in identities.items()}, features, providers
            )

        self._tracks(numbers, map(block, numbers))

    def finish(self, *, is_stale: bool | None) -> None:
        """Tell readers of what has changed.

        Args:
            is_stale: whether more is known about tracks than stands here now; None where that is as it was.
        """
        told = {"is_stale": is_stale, "has_changed": self._changed > 0}
        self._session.execute(_TELL, self._new | told)

    def _tracks(self, numbers: Iterable[int], blocks: Iterable[PackedTracks]) -> None:
        for number, block in zip(numbers, blocks, strict=True):
            content = {
                "number": number,
                "tracks": len(block),
                "identities": pack_identities(block.identities),
                "features": pack_features(block.features, block.providers),
            }
            self._change(_STORE_TRACKS, self._new | content)

    def _change(self, statement: TextClause, parameters: Mapping[str, Any]) -> None:
        self._changed += rows_changed(self._session, statement, parameters)


def _places_in(number: int) -> slice:
    return slice(number * TRACKS_PER_BLOCK, (number + 1) * TRACKS_PER_BLOCK)
