"""What the account page shows: the API's own documents, in words."""

import json
from typing import Any
from uuid import UUID

from spotify_insights.access.principal import Principal
from spotify_insights.access.queries import key_documents, session_documents
from spotify_insights.access.scopes import SCOPES_OF_ROLE, Scope
from spotify_insights.accounts.queries import connection_documents, user_document
from spotify_insights.database.actor import Actor
from spotify_insights.database.hot_read import HotRead
from spotify_insights.errors import UnauthenticatedError
from spotify_insights.privacy.queries import leaving_document
from spotify_insights.settings import Settings
from spotify_insights.sign_in.queries import username_document
from spotify_insights.spotify.scopes import RECENTLY_PLAYED_READ, TOP_READ
from spotify_insights.storage.read import export_documents
from spotify_insights.web.hot_reads import HotReads
from spotify_insights.web.pages.providers_offered import spotify_to_set_up, start_addresses, title_of

SCOPE_WORDS = {
    Scope.PROFILE_READ: "See the profile",
    Scope.PROFILE_WRITE: "Change the profile",
    Scope.CONNECTIONS_READ: "See connections",
    Scope.CONNECTIONS_WRITE: "Disconnect",
    Scope.LISTENING_READ: "Read listening",
    Scope.LISTENING_WRITE: "Update listening",
    Scope.INSIGHTS_READ: "Read insights",
    Scope.INSIGHTS_WRITE: "Ask for insights",
    Scope.TASKS_READ: "Follow tasks",
    Scope.TASKS_WRITE: "Cancel tasks",
    Scope.PRIVACY: "Export and erase",
    Scope.KEYS: "Manage keys and sessions",
    Scope.ADMIN_READ: "See how the service runs",
    Scope.ADMIN_WRITE: "Run the service",
    Scope.METRICS: "Read metrics",
    Scope.ACT_FOR_USERS: "Act for registered users",
}
# What a new key is offered with.
USUAL_SCOPES = {Scope.LISTENING_READ, Scope.INSIGHTS_READ, Scope.TASKS_READ}
# After "Spotify was not allowed to …".
_PERMISSIONS = {
    TOP_READ: "tell your favourite tracks and artists",
    RECENTLY_PLAYED_READ: "tell what you played lately",
}


async def account_view(
    reads: HotReads, settings: Settings, viewer: Principal, user_id: UUID
) -> dict[str, Any]:
    """Everything that `account.html` asks for."""
    actor = Actor.listener(user_id)

    async def document(read: HotRead) -> Any:
        row = await reads.row(read, acting_for=actor)
        if row is None:
            raise UnauthenticatedError("This account is gone.")
        return json.loads(row[0])

    user = await document(user_document(user_id))
    connections = await document(connection_documents(user_id))
    sessions = await document(
        session_documents(user_id, current=viewer.credential_id, idle_days=settings.session_idle_days)
    )
    keys = await document(key_documents(user_id))
    leaving = await document(leaving_document(user_id))
    offers = start_addresses(settings)
    again = {offer.provider: offer.href for offer in offers}
    connected = {connection["provider"] for connection in connections}
    username = (await document(username_document(user_id)))["username"]
    ways_in = [identity["provider"] for identity in user["identities"]]
    return {
        "user": user,
        "username": username,
        "connections": [
            {
                **connection,
                "title": title_of(connection["provider"]),
                "again": again.get(connection["provider"]),
                "not_allowed": [
                    _PERMISSIONS.get(scope, scope) for scope in connection["missing_scopes"] or ()
                ],
                "has_uploads": connection["provider"] == "spotify" and leaving["has_uploads"],
            }
            for connection in connections
        ],
        # Disconnected while nothing else signed them in.
        "only_signing_in": [
            {"provider": provider, "title": title_of(provider)}
            for provider in ways_in
            if provider not in connected and (username or len(ways_in) > 1)
        ],
        "connectable": [offer for offer in offers if offer.provider not in connected],
        "sessions": sessions,
        "keys": [key for key in keys if key["status"] == "active"],
        "spotify_redirect_uri": spotify_to_set_up(settings, viewer),
        "export_under_way": leaving["export_under_way"],
        "exports": await document(export_documents(user_id)),
        "scopes": [
            (scope.value, words, scope in USUAL_SCOPES)
            for scope, words in SCOPE_WORDS.items()
            if scope in SCOPES_OF_ROLE[viewer.role]
        ],
    }
