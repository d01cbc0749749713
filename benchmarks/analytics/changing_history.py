"""Views of a history that is in no memory yet, and of one that has just got a new play."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID, uuid4

from sqlalchemy import text

from benchmarks.analytics.api_process import ApiProcess, Load
from benchmarks.installation import Installation
from spotify_insights.database.actor import SYSTEM
from spotify_insights.database.database import Database
from spotify_insights.listening.blocks.refresh import refresh_blocks

_TIMES = 20
_COPY = (
    "INSERT INTO users (id, timezone) SELECT %(copy)s, timezone FROM users WHERE id = %(of)s",
    """INSERT INTO packed_histories (user_id, generation, play_blocks, track_blocks)
       SELECT %(copy)s, generation, play_blocks, track_blocks FROM packed_histories WHERE user_id = %(of)s""",
    """INSERT INTO history_blocks (user_id, number, generation, first_at, last_at, plays, content)
       SELECT %(copy)s, number, generation, first_at, last_at, plays, content FROM history_blocks
        WHERE user_id = %(of)s""",
    """INSERT INTO history_track_blocks (user_id, number, generation, tracks, identities, features)
       SELECT %(copy)s, number, generation, tracks, identities, features FROM history_track_blocks
        WHERE user_id = %(of)s""",
)
_KNOWN_SONG = text("SELECT track_id FROM plays WHERE user_id = :user_id ORDER BY ended_at DESC LIMIT 1")
_NEW_SONG = text("""
    INSERT INTO tracks (name, source, name_key) VALUES (:name, 'spotify_api', gen_random_uuid()) RETURNING id
""")
_PLAY = text("""
    INSERT INTO plays (user_id, track_id, ended_at, ms_played, source)
    VALUES (:user_id, :track_id, clock_timestamp(), 200000, 'spotify_api') RETURNING ended_at
""")


@dataclass(frozen=True)
class FirstViews:
    """What one view takes, each time as the first one after something happened."""

    nothing: Load
    known_song: Load
    new_song: Load
    cold: Load


def first_views(
    api: ApiProcess,
    installation: Installation,
    database: Database,
    user_id: UUID,
    address: Callable[[UUID], str],
) -> FirstViews:
    """The same view after nothing, after a new play of a known song, of a new song, and not in memory."""
    api.ask(address(user_id))

    def after(happens: Callable[[], object]) -> Load:
        taken = []
        for _ in range(_TIMES):
            happens()
            taken.append(api.ask(address(user_id)))
        return Load(sorted(taken), 0.0)

    return FirstViews(
        nothing=after(lambda: None),
        known_song=after(lambda: _play(database, user_id, is_new=False)),
        new_song=after(lambda: _play(database, user_id, is_new=True)),
        cold=Load(sorted(api.ask(address(_copy(installation, user_id))) for _ in range(_TIMES)), 0.0),
    )


def _play(database: Database, user_id: UUID, *, is_new: bool) -> None:
    """A play that ends now, stored as the poller stores it."""
    with database.transaction(acting_for=SYSTEM) as tx:
        given = {"user_id": user_id, "name": f"New {uuid4()}"}
        track_id = tx.session.scalar(_NEW_SONG if is_new else _KNOWN_SONG, given)
        ended_at = tx.session.scalar(_PLAY, given | {"track_id": track_id})
        refresh_blocks(tx.session, user_id, since=ended_at)


def _copy(installation: Installation, user_id: UUID) -> UUID:
    """Somebody with the same packed history, at whom nobody has looked yet."""
    copy = uuid4()
    with installation.as_owner() as connection:
        for statement in _COPY:
            connection.execute(statement, {"copy": copy, "of": user_id})
    return copy
