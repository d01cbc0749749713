"""Taking a connection away: its tokens, and what the provider said about the person."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from spotify_insights.database.database import rows_changed

_TOKENS: Final = {
    "spotify": text("DELETE FROM spotify_tokens WHERE user_id = :user_id"),
    "listenbrainz": text("DELETE FROM listenbrainz_tokens WHERE user_id = :user_id"),
}
_TRACES: Final = {
    "spotify": (
        text("DELETE FROM reauthorization_reminders WHERE user_id = :user_id"),
        text("DELETE FROM recently_played_polls WHERE user_id = :user_id"),
    ),
}
_FORGET_IDENTITY: Final = text("""
    DELETE FROM user_identities gone
     WHERE gone.user_id = :user_id AND gone.provider = :provider
       AND (:has_account OR EXISTS (
           SELECT FROM user_identities other WHERE other.user_id = :user_id AND other.provider <> :provider))
""")
# Nobody can say any more who gave the e-mail address. A name stays where somebody chose it with an account of
# their own.
_FORGET_PERSON: Final = text("""
    UPDATE users
       SET email = NULL, display_name = CASE WHEN :has_account THEN display_name END,
           updated_at = clock_timestamp()
     WHERE id = :user_id
""")
PROVIDERS: Final[Sequence[str]] = tuple(_TOKENS)


def drop_connection(session: Session, user_id: UUID, provider: str, *, has_account: bool) -> bool:
    """Delete the tokens for `provider` and what it told about the person; whether there was anything.

    The identity at the provider stays where nothing else would let the person sign in again; once something
    else does, disconnecting once more deletes it. A Spotify connection takes e-mail address, display name,
    reminders and the note of the last poll along: Spotify's policy asks for the personal data of whoever
    disconnects to be deleted.

    Args:
        has_account: whether they have a name and a password of this installation.
    """
    parameters = {"user_id": user_id, "provider": provider, "has_account": has_account}
    tokens = rows_changed(session, _TOKENS[provider], parameters)
    if not rows_changed(session, _FORGET_IDENTITY, parameters) and not tokens:
        return False
    for statement in _TRACES.get(provider, ()):
        session.execute(statement, parameters)
    if provider == "spotify":
        session.execute(_FORGET_PERSON, parameters)
    return True


def drop_every_token(session: Session, user_id: UUID) -> None:
    """Delete the tokens for every provider, and nothing else."""
    for statement in _TOKENS.values():
        session.execute(statement, {"user_id": user_id})
