"""Questions about people and their connections."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from spotify_insights.accounts.models import SpotifyToken, User
from spotify_insights.accounts.profile import no_such_user
from spotify_insights.database.actor import Actor
from spotify_insights.database.database import Transaction
from spotify_insights.database.hot_read import HotRead, moment
from spotify_insights.spotify.scopes import REQUESTED_SCOPES

_USER: Final = f"""
    SELECT json_build_object(
             'user_id', u.id, 'display_name', u.display_name, 'email', u.email,
             'timezone', u.timezone, 'role', u.role, 'preferences', u.preferences,
             'identities', coalesce((
               SELECT json_agg(json_build_object(
                        'provider', i.provider, 'provider_user_id', i.provider_user_id) ORDER BY i.id)
                 FROM user_identities i WHERE i.user_id = u.id), '[]'),
             'created_at', {moment("u.created_at")}, 'updated_at', {moment("u.updated_at")})::text
      FROM users u WHERE u.id = %(user_id)s
"""  # noqa: S608  # only constants are put together

# Given once by the schedule; what it says is counted at the moment of reading.
_REMINDER: Final = """
    CASE WHEN t.status = 'connected' AND t.refresh_expires_at > clock_timestamp() AND EXISTS (
              SELECT 1 FROM reauthorization_reminders r
               WHERE r.user_id = t.user_id AND r.refresh_expires_at = t.refresh_expires_at)
         THEN format('Spotify ends this connection in %%s. Connect Spotify again before then, '
                     'or nothing more is recorded.',
                     CASE days_left WHEN 0 THEN 'less than a day' WHEN 1 THEN '1 day'
                                    ELSE days_left || ' days' END) END
"""

_CONNECTIONS: Final = f"""
    SELECT coalesce((SELECT json_agg(connection.document ORDER BY connection.place) FROM (
             SELECT 1 AS place, json_build_object(
                      'provider', 'spotify', 'status', t.status, 'scope', t.scope,
                      'missing_scopes', coalesce((
                        SELECT json_agg(needed ORDER BY needed)
                          FROM unnest(CAST(%(requested_scopes)s AS text[])) AS needed
                         WHERE needed <> ALL (t.scope)), '[]'),
                      'access_expires_at', {moment("t.expires_at")},
                      'authorized_at', {moment("t.authorized_at")},
                      'reauthorize_before', {moment("t.refresh_expires_at")},
                      'days_left', days_left, 'reminder', {_REMINDER}) AS document
               FROM spotify_tokens t
              CROSS JOIN LATERAL (SELECT greatest(0, floor(extract(epoch FROM
                         t.refresh_expires_at - clock_timestamp()) / 86400))::int AS days_left) AS remaining
              WHERE t.user_id = u.id
              UNION ALL
             SELECT 2, json_build_object(
                      'provider', 'listenbrainz', 'status', l.status, 'scope', NULL,
                      'missing_scopes', CAST('[]' AS json), 'access_expires_at', NULL,
                      'authorized_at', {moment("l.authorized_at")},
                      'reauthorize_before', NULL, 'days_left', NULL, 'reminder', NULL)
               FROM listenbrainz_tokens l
              WHERE l.user_id = u.id) AS connection), '[]')::text
      FROM users u WHERE u.id = %(user_id)s
"""  # noqa: S608  # only constants are put together

# What a service says about its users signs nobody in.
_SIGN_IN: Final = text("""
    SELECT DISTINCT provider FROM user_identities WHERE user_id = :user_id AND asserted_by IS NULL
     ORDER BY provider
""")


def user_document(user_id: UUID) -> HotRead:
    """One user as the API shows them."""
    return HotRead(_USER, {"user_id": user_id})


def registered_user(user_id: UUID, actor: Actor) -> HotRead:
    """One row where there is such a user among those whom `actor` may act for."""
    statement = f"SELECT u.id FROM users u WHERE u.id = %(user_id)s AND {actor.owns('u.id')}"  # noqa: S608
    return HotRead(statement, {"user_id": user_id, **actor.owner_parameters})


def find_user(tx: Transaction, user_id: UUID, *, acting_for: Actor) -> None:
    """Make sure that there is such a user among those whom the actor may act for.

    Raises:
        NotFoundError: there is not.
    """
    read = registered_user(user_id, acting_for)
    if tx.session.connection().exec_driver_sql(read.statement, dict(read.parameters)).one_or_none() is None:
        raise no_such_user()


def connection_documents(user_id: UUID) -> HotRead:
    """The user's connections: state and days left, never a token."""
    return HotRead(_CONNECTIONS, {"user_id": user_id, "requested_scopes": sorted(REQUESTED_SCOPES)})


def timezone_of(session: Session, user_id: UUID) -> str:
    """The user's IANA zone.

    Raises:
        NotFoundError: there is no such user.
    """
    timezone = session.scalar(select(User.timezone).where(User.id == user_id))
    if timezone is None:
        raise no_such_user()
    return timezone


def connection_status(session: Session, user_id: UUID) -> str | None:
    """`connected`, `reauth_required`, or None without a connection.

    Raises:
        NotFoundError: there is no such user.
    """
    row = session.execute(
        select(User.id, SpotifyToken.status)
        .outerjoin(SpotifyToken, SpotifyToken.user_id == User.id)
        .where(User.id == user_id)
    ).one_or_none()
    if row is None:
        raise no_such_user()
    status: str | None = row.status
    return status


@dataclass(frozen=True)
class KnownListener:
    """Somebody who may have a history, and what they are called here; empty where nobody said that."""

    user_id: UUID
    name: str


def known_listeners(session: Session) -> list[KnownListener]:
    """Everybody but programs, in the order in which they came."""
    rows = session.execute(
        select(User.id, User.display_name).where(User.role != "service").order_by(User.created_at, User.id)
    )
    return [KnownListener(row.id, row.display_name or "") for row in rows]


def providers_that_sign_in(session: Session, user_id: UUID) -> tuple[str, ...]:
    """The services whose accounts let this user in here."""
    return tuple(session.scalars(_SIGN_IN, {"user_id": user_id}))


def connected_user_ids(session: Session) -> Sequence[UUID]:
    """Everybody whose Spotify connection works, in a stable order."""
    return session.scalars(
        select(SpotifyToken.user_id).where(SpotifyToken.status == "connected").order_by(SpotifyToken.user_id)
    ).all()
