"""Storing the user token of a listener who connected ListenBrainz."""

from uuid import UUID

from pydantic import SecretStr
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from spotify_insights.accounts.erasing import refuse_if_erasing
from spotify_insights.accounts.models import ListenBrainzToken
from spotify_insights.database.database import Transaction
from spotify_insights.database.table import new_id
from spotify_insights.security.sealing import SealedPlace, Sealer


def listenbrainz_place(*, token_id: UUID, user_id: UUID) -> SealedPlace:
    """Where a user token is sealed: one row of one person."""
    return SealedPlace(
        table="listenbrainz_tokens", column="sealed_user_token", row_id=token_id, user_id=user_id
    )


def store_listenbrainz_token(
    tx: Transaction, sealer: Sealer, user_id: UUID, *, user_token: SecretStr, user_name: str
) -> str | None:
    """Keep the token, in place of any that was there; the status of the connection before, None without one.

    Raises:
        NotFoundError: there is no such user.
        BeingErasedError: they are being erased.
    """
    refuse_if_erasing(tx.session, user_id)
    known = tx.session.execute(
        select(ListenBrainzToken.id, ListenBrainzToken.status)
        .where(ListenBrainzToken.user_id == user_id)
        .with_for_update()
    ).one_or_none()
    token_id = known.id if known else new_id()
    values = {
        "id": token_id,
        "user_id": user_id,
        "sealed_user_token": sealer.seal(user_token, listenbrainz_place(token_id=token_id, user_id=user_id)),
        "user_name": user_name,
        "status": "connected",
        "authorized_at": func.clock_timestamp(),
        "updated_at": func.clock_timestamp(),
    }
    statement = insert(ListenBrainzToken).values(values)
    tx.session.execute(
        statement.on_conflict_do_update(
            index_elements=["id"],
            set_={name: statement.excluded[name] for name in values if name not in {"id", "user_id"}},
        )
    )
    return known.status if known else None
