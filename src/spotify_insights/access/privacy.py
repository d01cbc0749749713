"""What people's exports and erasures need to know of what proves a request's right."""

from typing import Final
from uuid import UUID

from sqlalchemy import text

from spotify_insights.access.models import ApiKey, OneTimeLink, RefreshToken, Session
from spotify_insights.database.database import Transaction
from spotify_insights.database.personal_data import PersonalTable

_HASH: Final = "It only recognises a secret that you have and this installation does not."

PERSONAL: Final = (
    PersonalTable(
        model=Session,
        topic="sessions",
        about="Where you have been signed in.",
        withheld={"token_hash": _HASH},
    ),
    PersonalTable(
        model=RefreshToken,
        topic="token_renewals",
        about="When programs that you signed in renewed their access.",
        withheld={"token_hash": _HASH},
    ),
    PersonalTable(
        model=ApiKey,
        topic="api_keys",
        about="Your API keys: what is public of them.",
        withheld={"secret_hash": _HASH},
    ),
    PersonalTable(
        model=OneTimeLink,
        topic="one_time_links",
        about="Links that work once and were made for you.",
        withheld={
            "token_hash": _HASH,
            "created_by": "It may name somebody else, who made the link for you.",
        },
    ),
)

_REVOKE: Final = (
    text("""
        UPDATE sessions SET revoked_at = clock_timestamp()
         WHERE user_id = :user_id AND revoked_at IS NULL AND id IS DISTINCT FROM CAST(:kept AS uuid)
    """),
    text("""
        UPDATE api_keys SET revoked_at = clock_timestamp()
         WHERE user_id = :user_id AND revoked_at IS NULL AND id IS DISTINCT FROM CAST(:kept AS uuid)
    """),
    # Those of a kept session go on: taken for used, the next one to come would look stolen and end it.
    text("""
        UPDATE refresh_tokens SET used_at = clock_timestamp()
         WHERE user_id = :user_id AND used_at IS NULL
           AND session_id IS DISTINCT FROM CAST(:kept AS uuid)
    """),
    text("""
        UPDATE one_time_links SET used_at = clock_timestamp() WHERE user_id = :user_id AND used_at IS NULL
    """),
)


def revoke_all_but(tx: Transaction, user_id: UUID, kept: UUID | None) -> None:
    """End every session, key, token and link of the user but the session or key `kept`.

    While somebody is being erased, what is kept may see tasks and nothing else; see `access.owner`.
    """
    parameters = {"user_id": user_id, "kept": kept}
    for statement in _REVOKE:
        tx.session.execute(statement, parameters)


# What has been over for a month explains nothing to anybody any more.
EXPIRED: Final = {
    # Used tokens stay as long as their session: they show a theft when they come back. They go before it, for
    # a family that was renewed for a year has many, and a session takes all that it has along at once.
    "refresh_tokens": text("""
        DELETE FROM refresh_tokens WHERE id IN (
               SELECT r.id FROM refresh_tokens r JOIN sessions s ON s.id = r.session_id
                WHERE s.expires_at < clock_timestamp() - interval '30 days'
                   OR s.revoked_at < clock_timestamp() - interval '30 days'
                LIMIT :batch FOR UPDATE OF r SKIP LOCKED)
    """),
    "sessions": text("""
        DELETE FROM sessions WHERE id IN (
               SELECT id FROM sessions
                WHERE expires_at < clock_timestamp() - interval '30 days'
                   OR revoked_at < clock_timestamp() - interval '30 days'
                LIMIT :batch FOR UPDATE SKIP LOCKED)
    """),
    # After the sessions that it was exchanged for, which end with it.
    "api_keys": text("""
        DELETE FROM api_keys WHERE id IN (
               SELECT id FROM api_keys
                WHERE expires_at < clock_timestamp() - interval '30 days'
                   OR revoked_at < clock_timestamp() - interval '30 days'
                LIMIT :batch FOR UPDATE SKIP LOCKED)
    """),
    "one_time_links": text("""
        DELETE FROM one_time_links WHERE id IN (
               SELECT id FROM one_time_links WHERE expires_at < clock_timestamp() - interval '30 days'
                LIMIT :batch FOR UPDATE SKIP LOCKED)
    """),
}
