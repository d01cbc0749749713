"""Tracks and artists as an export names them: found or made, some thousand at a time."""

import threading
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, Final
from uuid import UUID

from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from spotify_insights.database.actor import Actor
from spotify_insights.database.database import Database
from spotify_insights.listening.name_key import artist_key, track_key
from spotify_insights.spotify_export.entry import ExportSource, MusicEntry

# As many as some ten years of listening; a file with more of them costs look-ups instead of memory.
_MOST_REMEMBERED: Final = 200_000

# One that has an id comes last and counts: more is known about it.
_FIND_ARTISTS: Final = text("""
    SELECT name_key AS key, id FROM artists WHERE name_key = ANY(CAST(:keys AS uuid[]))
     ORDER BY spotify_id IS NOT NULL, id DESC
""")
_MAKE_ARTISTS: Final = text("""
    INSERT INTO artists (name, name_key, source)
    SELECT name, name_key, :source
      FROM unnest(CAST(:keys AS uuid[]), CAST(:names AS text[])) AS told (name_key, name)
     ORDER BY name_key
        ON CONFLICT DO NOTHING
""")
_FIND_BY_ID: Final = text("""
    SELECT spotify_id AS key, id FROM tracks WHERE spotify_id = ANY(CAST(:keys AS text[]))
""")
_FIND_BY_NAME: Final = text("""
    SELECT name_key AS key, id FROM tracks
     WHERE spotify_id IS NULL AND name_key = ANY(CAST(:keys AS uuid[]))
""")
_MAKE_TRACKS: Final = text("""
    WITH told AS (
         SELECT * FROM unnest(CAST(:spotify_ids AS text[]), CAST(:name_keys AS uuid[]),
                              CAST(:names AS text[]), CAST(:albums AS text[]), CAST(:artists AS bigint[]))
                       AS told (spotify_id, name_key, name, album_name, artist_id)),
    made AS (
         INSERT INTO tracks (spotify_id, name_key, name, album_name, source)
         SELECT spotify_id, name_key, name, album_name, :source FROM told ORDER BY spotify_id, name_key
             ON CONFLICT DO NOTHING
      RETURNING id, spotify_id, name_key),
    credited AS (
         INSERT INTO track_artists (track_id, position, artist_id)
         SELECT made.id, 0, told.artist_id
           FROM made JOIN told ON told.name_key = made.name_key
            AND told.spotify_id IS NOT DISTINCT FROM made.spotify_id
          WHERE told.artist_id IS NOT NULL)
    SELECT id FROM made
""")
# Whoever forgets tracks without plays leaves those alone that are held.
_HOLD: Final = text("SELECT id FROM tracks WHERE id = ANY(CAST(:ids AS bigint[])) FOR KEY SHARE")

_Key = str | UUID


class ExportTracks:
    """The numbers of tracks in the database, remembered while one file is imported. Threads may share it.

    Where a track is known from elsewhere, what is known stays: an export names the album's artist only.

    Tracks and artists are everybody's, so they are made in transactions of their own, which are over at once:
    imports of two listeners that name the same ones in different orders do not wait for each other.

    Attributes:
        made: the numbers of those tracks that were not there before.
    """

    def __init__(self, database: Database, actor: Actor, source: ExportSource) -> None:
        self._database = database
        self._actor = actor
        self._source = source
        self._known: dict[_Key, int] = {}
        self._name_keys: dict[tuple[str, str], UUID] = {}
        self._held: set[int] = set()
        self._lock = threading.RLock()
        self.made: set[int] = set()

    def numbers_of(self, entries: Sequence[MusicEntry]) -> list[int]:
        """The number of each entry's track, in their order; what is not there is made."""
        with self._lock:
            keys = [entry.spotify_id or self._remembered_key(entry) for entry in entries]
            new = {key: entry for key, entry in zip(keys, entries, strict=True) if key not in self._known}
            if len(self._known) + len(new) > _MOST_REMEMBERED:
                self._known.clear()
                self._name_keys.clear()
                new = dict(zip(keys, entries, strict=True))
            if new:
                self._known.update(self._found_or_made(new))
            known = self._known
            return [known[key] for key in keys]

    def hold(self, session: Session, numbers: AbstractSet[int]) -> bool:
        """Let nobody delete these tracks until the transaction of `session` ends.

        Returns:
            False where one is gone already: then `numbers_of` has to be asked again.
        """
        to_hold = numbers - self._held
        if not to_hold:
            return True
        held = set(session.scalars(_HOLD, {"ids": sorted(to_hold)}))
        self._held |= held
        gone = to_hold - held
        if gone:
            with self._lock:
                self._known = {key: number for key, number in self._known.items() if number not in gone}
        return not gone

    def forget(self) -> None:
        """Give back the memory of all but `made`: nothing more will be asked."""
        with self._lock:
            self._known.clear()
            self._name_keys.clear()
            self._held.clear()

    def _remembered_key(self, entry: MusicEntry) -> UUID:
        names = (entry.track_name, entry.artist_name)
        key = self._name_keys.get(names)
        if key is None:
            key = self._name_keys[names] = track_key(*names)
        return key

    def _found_or_made(self, wanted: Mapping[_Key, MusicEntry]) -> dict[_Key, int]:
        with self._database.transaction(acting_for=self._actor) as tx:
            found = _find_tracks(tx.session, wanted)
            missing = {key: entry for key, entry in wanted.items() if key not in found}
            if missing:
                artists = self._artists(tx.session, {entry.artist_name for entry in missing.values()})
                made = tx.session.scalars(_MAKE_TRACKS, self._told(missing, artists))
                self.made.update(made)
                # Somebody else may have made one of them a moment ago.
                found |= _find_tracks(tx.session, missing)
        return found

    def _told(self, missing: Mapping[_Key, MusicEntry], artists: Mapping[str, int]) -> dict[str, Any]:
        entries = missing.values()
        return {
            "spotify_ids": [entry.spotify_id for entry in entries],
            "name_keys": [track_key(entry.track_name, entry.artist_name) for entry in entries],
            "names": [entry.track_name for entry in entries],
            "albums": [entry.album_name for entry in entries],
            "artists": [artists.get(entry.artist_name) for entry in entries],
            "source": self._source,
        }

    def _artists(self, session: Session, names: Iterable[str]) -> dict[str, int]:
        # An export may name a track and nobody who plays it.
        keys = {name: artist_key(name) for name in sorted(names) if name}
        found = _find(session, _FIND_ARTISTS, keys.values())
        missing = {key: name for name, key in keys.items() if key not in found}
        if missing:
            told = {"keys": list(missing), "names": list(missing.values()), "source": self._source}
            session.execute(_MAKE_ARTISTS, told)
            found |= _find(session, _FIND_ARTISTS, missing)
        return {name: found[key] for name, key in keys.items()}


def _find_tracks(session: Session, keys: Iterable[_Key]) -> dict[_Key, int]:
    by_id = [key for key in keys if isinstance(key, str)]
    by_name = [key for key in keys if isinstance(key, UUID)]
    return _find(session, _FIND_BY_ID, by_id) | _find(session, _FIND_BY_NAME, by_name)


def _find(session: Session, statement: TextClause, keys: Iterable[_Key]) -> dict[_Key, int]:
    wanted = list(keys)
    if not wanted:
        return {}
    return {row.key: row.id for row in session.execute(statement, {"keys": wanted})}
