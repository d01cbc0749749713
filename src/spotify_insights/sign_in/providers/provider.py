"""What a provider of identities has to offer: the port behind which each is one module.

A provider shows who somebody is (`Proof`) in one of two ways: by sending their browser back with a code, or
by a token that they paste. What follows is the same for all: `sign_in.complete`.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from pydantic import SecretStr

from spotify_insights.accounts.register import Identity
from spotify_insights.database.database import Transaction
from spotify_insights.sign_in.problem import Problem


class Kept(StrEnum):
    """What storing somebody's access did: there was none, it had ended, or it worked and was replaced."""

    CONNECTED = "connected"
    REAUTHORISED = "reauthorised"
    RENEWED = "renewed"


class Proof(Protocol):
    """Who somebody is at a provider, as it said just now, and the access that they gave with it."""

    @property
    def identity(self) -> Identity: ...

    @property
    def display_name(self) -> str | None:
        """What they call themselves there."""
        ...

    def keep(self, tx: Transaction, user_id: UUID) -> Kept:
        """Store the access for this user, sealed, and begin what a new connection begins.

        To be done as that listener, in the transaction that signs them in.
        """
        ...


class Provider(Protocol):
    """What all providers have."""

    @property
    def name(self) -> str:
        """Stable and lower case: part of addresses and of what is stored."""
        ...

    @property
    def title(self) -> str:
        """What people call it."""
        ...

    @property
    def problems(self) -> Mapping[str, Problem]:
        """What else may go wrong with it, by the reason of its `SignInError`."""
        ...


class RedirectProvider(Provider, Protocol):
    """One that asks people itself, and sends their browser back with a code."""

    @property
    def is_configured(self) -> bool:
        """Whether the operator has registered this installation there."""
        ...

    @property
    def redirect_uri(self) -> str:
        """Where it sends them back to; what the operator registers."""
        ...

    def authorize_url(self, *, state: SecretStr, code_verifier: SecretStr) -> str:
        """Where the browser goes; `state` comes back with it, of the verifier only the challenge travels."""
        ...

    def prove(self, *, code: SecretStr, code_verifier: SecretStr) -> Proof:
        """Who came back with this code. Asks the provider, so no transaction may be open. Not repeatable.

        Raises:
            SignInError: the provider does not say who it is.
        """
        ...


class TokenProvider(Provider, Protocol):
    """One whose users paste a token."""

    def prove(self, *, token: SecretStr) -> Proof:
        """Whose token this is. Asks the provider, so no transaction may be open. Safe to repeat.

        Raises:
            InvalidInputError: it is nobody's; `field` is `token`.
            SignInError: the provider does not say.
        """
        ...
