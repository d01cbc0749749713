"""Sending a browser to a provider, and recognising it when it comes back.

The `state` that travels along is 256 random bits, works once and for ten minutes, and only in the browser
that it was made for (RFC 9700, sections 2.1 and 4.7). The database keeps hashes of it and of the browser's
cookie.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from pydantic import SecretStr
from sqlalchemy import Row, text

from spotify_insights.database.database import Transaction
from spotify_insights.database.table import new_id
from spotify_insights.security.sealing import NOBODY, SealedPlace, SealedText, Sealer
from spotify_insights.sign_in.problem import SignInError
from spotify_insights.sign_in.providers.provider import RedirectProvider

ATTEMPT_LASTS: Final = timedelta(minutes=10)
_RANDOM_BYTES: Final = 32

_BEGIN: Final = text("""
    INSERT INTO sign_in_attempts (
           id, provider, state_hash, browser_hash, sealed_code_verifier, next_path, user_id, expires_at)
    VALUES (:id, :provider, :state_hash, :browser_hash, :sealed_code_verifier, :next_path, :user_id,
           clock_timestamp() + :lasts)
""")
# One statement, so that of two who come back with the same state only one goes on.
_TAKE: Final = text("""
    UPDATE sign_in_attempts SET used_at = clock_timestamp()
     WHERE provider = :provider AND state_hash = :state_hash AND browser_hash = :browser_hash
       AND used_at IS NULL AND expires_at > clock_timestamp()
 RETURNING id, user_id, sealed_code_verifier, next_path
""")
_WHY_NOT: Final = text("""
    SELECT used_at IS NOT NULL AS used, browser_hash = :browser_hash AS same_browser FROM sign_in_attempts
     WHERE provider = :provider AND state_hash = :state_hash
""")


@dataclass(frozen=True)
class Attempt:
    """A browser that came back as it should: who was signed in when it left, and where it wants to go."""

    user_id: UUID | None
    code_verifier: SecretStr
    next_path: str
    invitation_hash: str | None


def new_browser_secret() -> SecretStr:
    """What a browser keeps in a cookie while it is away, to be recognised by."""
    return SecretStr(secrets.token_urlsafe(_RANDOM_BYTES))


def begin(
    tx: Transaction,
    sealer: Sealer,
    provider: RedirectProvider,
    *,
    browser: SecretStr,
    next_path: str,
    user_id: UUID | None,
    invitation_hash: str | None = None,
) -> str:
    """Where to send the browser now. To be done as AUTHENTICATION.

    Args:
        browser: the value of its cookie; only there will the way back end well.
        next_path: where it goes on to afterwards; a path of this installation.
        user_id: who is signed in, and will be connected with the account at the provider.
        invitation_hash: of the invitation that lets them join, if they are new.
    """
    attempt_id = new_id()
    state = SecretStr(secrets.token_urlsafe(_RANDOM_BYTES))
    # RFC 7636, section 4.1: 43 characters of the unreserved set.
    code_verifier = SecretStr(secrets.token_urlsafe(_RANDOM_BYTES))
    # Sealed together, for both come back with this browser and never travel.
    luggage = SecretStr(" ".join([code_verifier.get_secret_value(), *filter(None, [invitation_hash])]))
    tx.session.execute(
        _BEGIN,
        {
            "id": attempt_id,
            "provider": provider.name,
            "state_hash": _hash(state),
            "browser_hash": _hash(browser),
            "sealed_code_verifier": sealer.seal(luggage, _place(attempt_id, user_id)),
            "next_path": next_path,
            "user_id": user_id,
            "lasts": ATTEMPT_LASTS,
        },
    )
    return provider.authorize_url(state=state, code_verifier=code_verifier)


def take_attempt(
    tx: Transaction,
    sealer: Sealer,
    provider: RedirectProvider,
    *,
    state: SecretStr,
    browser: SecretStr | None,
) -> Attempt | SignInError:
    """The attempt that `state` belongs to, used up by this; or why there is none.

    To be done as AUTHENTICATION. The refusal is a value, because what was used up must be committed whatever
    follows.
    """
    shown = {
        "provider": provider.name,
        "state_hash": _hash(state),
        "browser_hash": None if browser is None else _hash(browser),
    }
    taken: Row[Any] | None = tx.session.execute(_TAKE, shown).one_or_none()
    if taken is not None:
        luggage = sealer.open(SealedText(taken.sealed_code_verifier), _place(taken.id, taken.user_id))
        code_verifier, _, invitation_hash = luggage.get_secret_value().partition(" ")
        return Attempt(
            user_id=taken.user_id,
            code_verifier=SecretStr(code_verifier),
            next_path=taken.next_path,
            invitation_hash=invitation_hash or None,
        )
    known: Row[Any] | None = tx.session.execute(_WHY_NOT, shown).one_or_none()
    if known is None:
        return SignInError("unknown_attempt")
    if known.used:
        return SignInError("attempt_used")
    return SignInError("attempt_over" if known.same_browser else "foreign_browser")


def _hash(secret: SecretStr) -> str:
    return hashlib.sha256(secret.get_secret_value().encode("utf-8", "surrogateescape")).hexdigest()


def _place(attempt_id: UUID, user_id: UUID | None) -> SealedPlace:
    return SealedPlace(
        table="sign_in_attempts",
        column="sealed_code_verifier",
        row_id=attempt_id,
        user_id=user_id or NOBODY,
    )
