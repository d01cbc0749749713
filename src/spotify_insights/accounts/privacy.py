"""What people's exports and erasures need to know of accounts and connections."""

from typing import Final

from spotify_insights.accounts.models import (
    DailyUsage,
    ListenBrainzToken,
    ReauthorizationReminder,
    SpotifyToken,
    User,
    UserIdentity,
)
from spotify_insights.database.personal_data import PersonalTable

_OPENS_DOORS: Final = "Whoever has it can act in your name at the provider; nobody is ever shown it."
_INTERNAL: Final = "It only keeps two processes of this installation from refreshing at the same moment."

PERSONAL: Final = (
    PersonalTable(
        model=User,
        topic="profile",
        owners=("id",),
        about="Your profile.",
    ),
    PersonalTable(
        model=UserIdentity,
        topic="identities",
        about="The accounts at other services with which you are known here.",
    ),
    PersonalTable(
        model=SpotifyToken,
        topic="spotify_connection",
        about="Your connection to Spotify, without the keys to it.",
        withheld={
            "sealed_access_token": _OPENS_DOORS,
            "sealed_refresh_token": _OPENS_DOORS,
            "lease_token": _INTERNAL,
            "lease_expires_at": _INTERNAL,
        },
    ),
    PersonalTable(
        model=ListenBrainzToken,
        topic="listenbrainz_connection",
        about="Your connection to ListenBrainz, without the key to it.",
        withheld={"sealed_user_token": _OPENS_DOORS},
    ),
    PersonalTable(
        model=ReauthorizationReminder,
        topic="reminders",
        about="When you were reminded to connect Spotify again.",
    ),
    PersonalTable(
        model=DailyUsage,
        topic="daily_usage",
        about="How often you used what is counted by the day.",
    ),
)
