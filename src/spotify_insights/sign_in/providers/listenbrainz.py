"""ListenBrainz as a provider of identities: whoever holds a user token is that user.

ListenBrainz knows its users by name alone; MusicBrainz, where the names come from, gives no name twice.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from pydantic import SecretStr

from spotify_insights.accounts.connect_listenbrainz import store_listenbrainz_token
from spotify_insights.accounts.register import Identity
from spotify_insights.database.database import Transaction
from spotify_insights.errors import InvalidInputError
from spotify_insights.listenbrainz.client import ListenBrainzClient
from spotify_insights.listenbrainz.errors import (
    ListenBrainzRateLimitedError,
    ListenBrainzUpstreamError,
    TokenRejectedError,
)
from spotify_insights.security.sealing import Sealer
from spotify_insights.sign_in.problem import Problem, ProblemKind, SignInError
from spotify_insights.sign_in.providers.provider import Kept
from spotify_insights.sign_in.providers.told_text import check_identity

_KEPT_OF: Final[Mapping[str | None, Kept]] = {
    None: Kept.CONNECTED,
    "reauth_required": Kept.REAUTHORISED,
    "connected": Kept.RENEWED,
}
_PROBLEMS: Final[Mapping[str, Problem]] = {
    "slow_down": Problem(
        ProblemKind.LATER,
        "Too many calls to ListenBrainz just now",
        "ListenBrainz asks this installation to wait. Nothing was changed.",
        ("Try again {wait}.",),
    ),
}


@dataclass(frozen=True)
class ListenBrainzProof:
    """A user's name, and the token that showed it."""

    user_name: str
    token: SecretStr
    sealer: Sealer = field(repr=False)

    @property
    def identity(self) -> Identity:
        return Identity(provider="listenbrainz", provider_user_id=self.user_name)

    @property
    def display_name(self) -> str | None:
        return self.user_name

    def keep(self, tx: Transaction, user_id: UUID) -> Kept:
        before = store_listenbrainz_token(
            tx, self.sealer, user_id, user_token=self.token, user_name=self.user_name
        )
        return _KEPT_OF[before]


class ListenBrainzProvider:
    """Sign-in with a user token; nothing has to be registered for it."""

    name: Final = "listenbrainz"
    title: Final = "ListenBrainz"
    problems: Final = _PROBLEMS

    def __init__(self, client: ListenBrainzClient, sealer: Sealer) -> None:
        self._client = client
        self._sealer = sealer

    def prove(self, *, token: SecretStr) -> ListenBrainzProof:
        refusal: InvalidInputError | SignInError
        try:
            user_name = self._client.user_name_of(token)
        except TokenRejectedError as error:
            refusal = InvalidInputError(error.message, field="token")
        except ListenBrainzRateLimitedError as error:
            refusal = SignInError("slow_down", wait=error.wait)
        except ListenBrainzUpstreamError:
            refusal = SignInError("provider_away")
        else:
            check_identity(user_name)
            return ListenBrainzProof(user_name, token, self._sealer)
        raise refusal
