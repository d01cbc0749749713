"""Who has an account at the pretend Spotify: every persona, and whoever an unknown token stands for."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from spotify_insights.pretend_spotify.catalogue import spotify_like_id
from spotify_insights.pretend_spotify.personas import PERSONAS, Persona
from spotify_insights.pretend_spotify.seeding import dice

# Spotify's access tokens begin with BQ and its refresh tokens with AQ, each followed by one more letter.
_TOKEN_KIND_LENGTH: Final = 3
_LOWERCASE: Final = "0123456789abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True)
class Account:
    """A user: `id` as in Spotify's URIs, `account_id` the pseudonymous one added in May 2026."""

    id: str
    account_id: str
    persona: Persona
    email: str


class AccountDirectory:
    """All accounts of one pretend Spotify; equal seeds give equal ids."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._of_persona = {persona.key: self._account(persona.key, persona) for persona in PERSONAS}

    @property
    def of_persona(self) -> Mapping[str, Account]:
        """The account of each persona, by the persona's key."""
        return self._of_persona

    def of_unknown_token(self, token: str) -> Account:
        """The account that a token issued by nobody stands for.

        Access and refresh token of one person differ in their first three letters only (`BQD…`,
        `AQC…`), so those are left out: both lead to the same account. Different people get different
        accounts, but share the listening of their persona.
        """
        handle = hashlib.sha256(token[_TOKEN_KIND_LENGTH:].encode()).hexdigest()
        return self._account(handle, PERSONAS[int(handle, 16) % len(PERSONAS)])

    def _account(self, handle: str, persona: Persona) -> Account:
        roll = dice("account", self._seed, handle)
        return Account(
            id="31" + "".join(roll.choices(_LOWERCASE, k=26)),
            account_id=spotify_like_id(roll),
            persona=persona,
            email=f"{persona.key}@listeners.example",
        )
