"""What people's exports and erasures need to know of passwords and of sign-ins on their way."""

from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from spotify_insights.database.personal_data import PersonalTable
from spotify_insights.sign_in.models import LocalAccount, SignInAttempt

_HASH: Final = "It only recognises a secret of your browser that this installation does not have."
_HAS_ACCOUNT: Final = text("SELECT EXISTS (SELECT FROM local_accounts WHERE user_id = :user_id)")

PERSONAL: Final = (
    PersonalTable(
        model=LocalAccount,
        topic="local_account",
        about="Your account of this installation.",
        order=("user_id",),
        withheld={
            "password_hash": "It only recognises your password, which this installation does not have."
        },
    ),
    PersonalTable(
        model=SignInAttempt,
        topic="sign_in_attempts",
        about="Connections to other services that you began while you were signed in.",
        withheld={
            "state_hash": _HASH,
            "browser_hash": _HASH,
            "sealed_code_verifier": "It is the secret half of a connection that is being made.",
        },
    ),
)

EXPIRED: Final = {
    "sign_in_attempts": text("""
        DELETE FROM sign_in_attempts WHERE id IN (
               SELECT id FROM sign_in_attempts WHERE expires_at < clock_timestamp() - interval '1 day'
                LIMIT :batch FOR UPDATE SKIP LOCKED)
    """),
}


def has_local_account(session: Session, user_id: UUID) -> bool:
    """Whether the user can sign in with a name and a password."""
    return bool(session.scalar(_HAS_ACCOUNT, {"user_id": user_id}))
