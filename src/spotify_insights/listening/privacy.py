"""What people's exports and erasures need to know of the listening history."""

from typing import Final

from spotify_insights.database.personal_data import LookedUp, PersonalTable
from spotify_insights.listening.models import ListeningSnapshot, Play, RecentlyPlayedPoll

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
        model=ListeningSnapshot,
        topic="snapshots",
        about="What was computed about your listening, by day and range.",
    ),
    PersonalTable(
        model=RecentlyPlayedPoll,
        topic="recently_played_polls",
        about="When Spotify was last asked for what you played.",
    ),
)
