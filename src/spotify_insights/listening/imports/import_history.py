"""Importing one privacy export: each play is stored once, and every row is accounted for."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Protocol
from uuid import UUID

from sqlalchemy import text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from spotify_insights.database.actor import SYSTEM, Actor
from spotify_insights.database.database import Database, Transaction
from spotify_insights.database.table import new_id
from spotify_insights.jobs.enqueue import enqueue
from spotify_insights.listening.blocks.refresh import refresh_blocks
from spotify_insights.listening.forget import forget_tracks
from spotify_insights.listening.hold_history import hold_history
from spotify_insights.listening.imports.export_tracks import ExportTracks
from spotify_insights.listening.imports.models import Import
from spotify_insights.listening.imports.read_ahead import read_ahead
from spotify_insights.listening.imports.receipt import Receipt
from spotify_insights.listening.imports.staged_plays import PlayStager, StagedPlays
from spotify_insights.listening.imports.staging import COUNTED_FROM_MS, Merged, Staging
from spotify_insights.listening.jobs import TakeCalendarSnapshots
from spotify_insights.listening.supersede import mark_superseded, mark_superseded_spoken
from spotify_insights.spotify_export.entry import ExportBatch

_ADD_BATCH: Final = text("""
    INSERT INTO import_batches (import_id, number, user_id, plays, spoken_plays)
    VALUES (:import_id, :number, :user_id, CAST(:plays AS int8multirange), CAST(:spoken AS int8multirange))
""")
# As in `forget`: adding nothing keeps the planner from looking through everybody's plays.
_LAST: Final = text("""
    SELECT coalesce((SELECT max(id + 0) FROM plays WHERE user_id = :user_id), 0) AS last_play,
           coalesce((SELECT max(id + 0) FROM spoken_plays WHERE user_id = :user_id), 0) AS last_spoken
""")
# Keys grow, so those behind the last one before are what this import was the first to tell.
_SUPERSEDED: Final = text(f"""
    SELECT * FROM
      (SELECT count(*) FILTER (WHERE ms_played >= {COUNTED_FROM_MS}) AS plays,
              count(*) FILTER (WHERE ms_played < {COUNTED_FROM_MS}) AS skips
         FROM plays
        WHERE user_id = :user_id AND superseded AND source = 'spotify_account_data'
          AND id > :last_play) AS music,
      (SELECT count(*) FILTER (WHERE kind = 'podcast') AS podcasts,
              count(*) FILTER (WHERE kind = 'audiobook') AS audiobooks
         FROM spoken_plays
        WHERE user_id = :user_id AND superseded AND source = 'spotify_account_data'
          AND id > :last_spoken) AS spoken
""")  # noqa: S608  # only constants are put together
_NOTHING: Final = Merged({}, "{}")


class HistoryFile(Protocol):
    """An opened export: what it is called, how long it is, and its rows."""

    @property
    def name(self) -> str: ...

    @property
    def size_bytes(self) -> int: ...

    def batches(self) -> Iterable[ExportBatch]:
        """Its rows in batches; may raise InvalidInputError at any moment."""
        ...


@dataclass(frozen=True)
class Imported:
    """An import that is stored when its transaction ends; `import_id` undoes it.

    `first_play_at` and `last_play_at` are those of its music but videos, and None without any.
    """

    import_id: UUID
    receipt: Receipt
    first_play_at: datetime | None
    last_play_at: datetime | None


@dataclass(frozen=True)
class _Prepared:
    """A batch with all that can be done about it while the database stores the one before."""

    batch: ExportBatch
    plays: StagedPlays


@dataclass
class HistoryImport:
    """One file on its way into one listener's history.

    Importing a file again adds nothing but the import itself, which then holds the same plays, too. Files may
    come in any order and overlap: the plays that count are always the same.

    Args:
        database: for the tracks and artists, which are everybody's and are made in transactions of their own.
        actor: the listener, or the system for them.
        progress: called after each batch.
    """

    database: Database
    actor: Actor
    user_id: UUID
    file: HistoryFile
    progress: Callable[[ExportBatch], None] = lambda _batch: None
    _tracks: dict[str, ExportTracks] = field(default_factory=dict, init=False)
    _stager: PlayStager = field(default_factory=PlayStager, init=False)

    @contextmanager
    def leaving_nothing(self) -> Iterator[None]:
        """If the block fails, delete the tracks and artists that were made for what is not stored now."""
        try:
            yield
        except BaseException:
            made = sorted({number for tracks in self._tracks.values() for number in tracks.made})
            if made:
                with self.database.transaction(acting_for=SYSTEM) as tx:
                    forget_tracks(tx.session, made)
            raise

    def run(self, tx: Transaction) -> Imported:
        """Store what the file tells, all of it in `tx`. To be done inside of `leaving_nothing`.

        Raises:
            InvalidInputError: the file is no export, or is damaged.
            HistoryBusyError: another job is changing this history.
        """
        session = tx.session
        hold_history(session, self.user_id)
        last_before = session.execute(_LAST, {"user_id": self.user_id}).mappings().one()
        import_id = self._begin(session)
        receipt, moments, touched = Receipt(), list[datetime](), list[datetime]()
        staging = Staging(session, self.user_id)
        with closing(read_ahead(self._prepared())) as ready:
            for number, prepared in enumerate(ready):
                batch = prepared.batch
                music, spoken = self._merge(session, staging, prepared)
                told = {"plays": music.ids, "spoken": spoken.ids, "user_id": self.user_id}
                session.execute(_ADD_BATCH, told | {"import_id": import_id, "number": number})
                _account_for(receipt, batch, music, spoken)
                if (span := prepared.plays.span) is not None:
                    moments += span
                if music.first_added is not None:
                    touched.append(music.first_added)
                self.progress(batch)
        for tracks in self._tracks.values():
            tracks.forget()
        changed = mark_superseded(session, self.user_id)
        mark_superseded_spoken(session, self.user_id)
        aside = session.execute(_SUPERSEDED, {"user_id": self.user_id, **last_before}).mappings().one()
        for kind, count in aside.items():
            setattr(receipt, kind, getattr(receipt, kind) - count)
            receipt.superseded += count
        first, last = (min(moments), max(moments)) if moments else (None, None)
        if changed is not None:
            touched.append(changed)
        if touched:
            refresh_blocks(session, self.user_id, since=min(touched))
            enqueue(tx, TakeCalendarSnapshots(user_id=self.user_id))
        session.execute(
            update(Import)
            .where(Import.id == import_id, Import.user_id == self.user_id)
            .values(receipt=receipt.document, first_play_at=first, last_play_at=last)
        )
        return Imported(import_id, receipt, first, last)

    def _begin(self, session: Session) -> UUID:
        import_id = new_id()
        described = {"file_name": self.file.name, "size_bytes": self.file.size_bytes}
        session.execute(insert(Import).values(id=import_id, user_id=self.user_id, receipt={}, **described))
        return import_id

    def _prepared(self) -> Iterator[_Prepared]:
        for batch in self.file.batches():
            yield self._prepare(batch)

    def _prepare(self, batch: ExportBatch) -> _Prepared:
        numbers = self._tracks_of(batch).numbers_of(batch.music)
        return _Prepared(batch, self._stager.stage(batch.music, numbers))

    def _tracks_of(self, batch: ExportBatch) -> ExportTracks:
        tracks = self._tracks.get(batch.source)
        if tracks is None:
            tracks = self._tracks[batch.source] = ExportTracks(self.database, self.actor, batch.source)
        return tracks

    def _merge(self, session: Session, staging: Staging, prepared: _Prepared) -> tuple[Merged, Merged]:
        batch, plays = prepared.batch, prepared.plays
        music = spoken = _NOTHING
        if batch.music:
            tracks = self._tracks_of(batch)
            # What somebody deleted meanwhile is made once more.
            while not tracks.hold(session, plays.track_ids):
                plays.tell_tracks(tracks.numbers_of(batch.music))
            music = staging.merge_music(batch.source, plays)
        if batch.spoken:
            spoken = staging.merge_spoken(batch.source, batch.spoken)
        return music, spoken


def _account_for(receipt: Receipt, batch: ExportBatch, music: Merged, spoken: Merged) -> None:
    added = music.counts | spoken.counts
    for kind, count in added.items():
        setattr(receipt, kind, getattr(receipt, kind) + count)
    receipt.rows += batch.rows
    receipt.duplicates += len(batch.music) + len(batch.spoken) - sum(added.values())
    receipt.incognito += sum(entry.private_session for entry in batch.music) + sum(
        entry.private_session for entry in batch.spoken
    )
    receipt.unnamed += batch.unnamed
    receipt.bad += batch.bad
