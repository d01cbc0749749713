"""A listener in Auckland whose history is small enough to count by hand."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from starlette.testclient import TestClient

from import_trials import BatchFile, import_file
from makers import a_user
from spotify_insights.database.actor import SYSTEM
from spotify_insights.listening.jobs import TakeCalendarSnapshots
from spotify_insights.runtime import Runtime
from spotify_insights.spotify_export.entry import ExportBatch, MusicEntry

TIMEZONE: Final = "Pacific/Auckland"


def song(title: str, artist: str, album: str, spotify_id: str) -> MusicEntry:
    """A play of three minutes, whose moment is still to be said."""
    return MusicEntry(
        ended_at=datetime.fromisoformat("2026-03-01T00:00:00Z"),
        ms_played=180_000,
        track_name=title,
        artist_name=artist,
        album_name=album,
        spotify_id=spotify_id.ljust(22, "0"),
        platform="android",
        country="NZ",
        reason_start="trackdone",
        reason_end="trackdone",
        shuffle=False,
        skipped=False,
        offline=False,
    )


TIN_ROOF: Final = song("Tin Roof", "Paper Lanterns", "Weather Reports", "tinroof")
DRIZZLE: Final = song("Drizzle", "Paper Lanterns", "Weather Reports", "drizzle")
SLOW_TRAIN: Final = song("Slow Train", "The Sleepers", "Night Lines", "slowtrain")


def played(entry: MusicEntry, ended_at: str, **changed: Any) -> MusicEntry:
    """This song, ended at that moment of UTC."""
    values = {name: getattr(entry, name) for name in entry.__struct_fields__}
    return MusicEntry(**{**values, "ended_at": datetime.fromisoformat(f"{ended_at}Z"), **changed})


# In March 2026 Auckland is 13 hours ahead of UTC: an evening in UTC is the next morning there.
HISTORY: Final[Sequence[MusicEntry]] = (
    # Tuesday 10 March, from 07:00 on: a session of three plays and a skip.
    played(TIN_ROOF, "2026-03-09T18:03:00"),
    played(DRIZZLE, "2026-03-09T18:06:00"),
    played(TIN_ROOF, "2026-03-09T18:06:10", ms_played=10_000, reason_end="fwdbtn", skipped=True),
    played(TIN_ROOF, "2026-03-09T18:10:00"),
    # Wednesday 11 March, shortly after midnight, and in the evening in a private session.
    played(SLOW_TRAIN, "2026-03-10T11:05:00", ms_played=600_000),
    played(DRIZZLE, "2026-03-11T07:00:00", private_session=True),
    # Saturday 4 April, a month later.
    played(TIN_ROOF, "2026-04-03T20:00:00"),
)


def a_listener(
    runtime: Runtime, history: Sequence[MusicEntry] = HISTORY, *, timezone: str = TIMEZONE
) -> UUID:
    """Somebody with this history, imported from an export."""
    user_id = a_user(runtime, timezone=timezone)
    if history:
        add(runtime, user_id, history)
    return user_id


def add(runtime: Runtime, user_id: UUID, history: Sequence[MusicEntry]) -> UUID | None:
    """Import these plays, without the snapshots of today that an import asks for; the id of the import."""
    batch = ExportBatch(source="spotify_export", file_name="a.json", music=list(history))
    import_id = import_file(runtime, user_id, BatchFile([batch])).import_id
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        tx.session.execute(
            text("DELETE FROM background_jobs WHERE task_name = :name AND status = 'queued'"),
            {"name": TakeCalendarSnapshots.task_name},
        )
    return import_id


def view(client: TestClient, name: str, user_id: UUID, **asked: Any) -> dict[str, Any]:
    """What the API answers."""
    answer = client.get(f"/api/listening/{name}", params={"user_id": str(user_id), **asked})
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document
