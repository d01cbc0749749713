"""What people's exports and erasures need to know of the listening history."""

from typing import Final

from spotify_insights.database.personal_data import LookedUp, PersonalTable
from spotify_insights.listening.imports.models import Import, ImportBatch
from spotify_insights.listening.models import (
    HistoryBlock,
    HistoryTrackBlock,
    ListeningGap,
    ListeningSnapshot,
    PackedHistory,
    Play,
    RecentlyPlayedPoll,
    SpokenPlay,
)

_NAME: Final = {"type": ["string", "null"]}


def _of_track(column: str) -> str:
    return f"SELECT t.{column} FROM tracks t WHERE t.id = r.track_id"  # noqa: S608  # our own names


_ARTISTS: Final = """
    SELECT coalesce(json_agg(a.name ORDER BY c.position), '[]')
      FROM track_artists c JOIN artists a ON a.id = c.artist_id WHERE c.track_id = r.track_id
"""

PERSONAL: Final = (
    PersonalTable(
        model=Play,
        topic="plays",
        about="Every play that is stored, with the track it was of.",
        # By the index that begins with the user.
        order=("ended_at", "id"),
        looked_up={
            "track_name": LookedUp(_of_track("name"), _NAME),
            "album_name": LookedUp(_of_track("album_name"), _NAME),
            "artist_names": LookedUp(_ARTISTS, {"type": "array", "items": {"type": "string"}}),
            "spotify_id": LookedUp(_of_track("spotify_id"), _NAME),
            "isrc": LookedUp(_of_track("isrc"), _NAME),
        },
    ),
    PersonalTable(
        model=SpokenPlay,
        topic="spoken_plays",
        about="Every play of a podcast's episode or an audiobook's chapter that is stored.",
        order=("ended_at", "id"),
    ),
    PersonalTable(
        model=Import,
        topic="imports",
        about="The files that you imported, and what became of their rows.",
    ),
    PersonalTable(
        model=ImportBatch,
        topic=None,
        about="Which plays each import told.",
        withheld={"*": "It holds row numbers of this installation, by which an import can be undone."},
    ),
    PersonalTable(
        model=ListeningSnapshot,
        topic="snapshots",
        about="What was computed about your listening, by day and range.",
    ),
    PersonalTable(
        model=RecentlyPlayedPoll,
        topic="recently_played_polls",
        about="When Spotify was last asked for what you played.",
    ),
    PersonalTable(
        model=ListeningGap,
        topic="listening_gaps",
        about="Times in which you played more than Spotify tells of.",
    ),
    PersonalTable(
        model=HistoryBlock,
        topic=None,
        about="Your plays once more, packed so that views of them are quick.",
        derived=True,
        withheld={"*": "It says nothing that your plays do not say."},
    ),
    PersonalTable(
        model=HistoryTrackBlock,
        topic=None,
        about="The tracks of these plays.",
        derived=True,
        withheld={"*": "It says nothing that your plays do not say."},
    ),
    PersonalTable(
        model=PackedHistory,
        topic=None,
        about="How much of both is packed.",
        derived=True,
        withheld={"*": "It says nothing that your plays do not say."},
    ),
)
