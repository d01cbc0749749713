"""From a proof to a session: whoever showed who they are is found or made, connected and signed in."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from spotify_insights.access.one_time_links import LinkOverError
from spotify_insights.access.principal import Principal
from spotify_insights.access.sessions import StartedSession
from spotify_insights.access.still_allowed import still_allowed
from spotify_insights.accounts.erasing import BeingErasedError, refuse_if_erasing
from spotify_insights.accounts.register import (
    AnotherIdentityError,
    ForeignIdentityError,
    add_identity,
    register_user,
    user_of,
)
from spotify_insights.audit.event import AuditEvent
from spotify_insights.audit.record import AuditLog, Origin
from spotify_insights.audit.trail import AuditTrail
from spotify_insights.cache.cache import Cache
from spotify_insights.cache.keys import listener_scope
from spotify_insights.database.actor import AUTHENTICATION, Actor
from spotify_insights.database.database import Database, Transaction
from spotify_insights.errors import UnauthenticatedError
from spotify_insights.settings import Settings
from spotify_insights.sign_in.browser import Browser
from spotify_insights.sign_in.problem import SignInError
from spotify_insights.sign_in.providers.provider import Kept, Proof
from spotify_insights.sign_in.registration import RegistrationRefusedError, admit

_EVENTS: Final = {Kept.CONNECTED: AuditEvent.CONNECTED, Kept.REAUTHORISED: AuditEvent.REAUTHORISED}


@dataclass(frozen=True)
class SignedIn:
    """Somebody who is signed in from now on."""

    user_id: UUID
    session: StartedSession
    created: bool
    kept: Kept


@dataclass(frozen=True)
class SignIn:
    """Signs people in. Threads may share it."""

    database: Database
    audit: AuditLog
    cache: Cache
    settings: Settings

    def complete(
        self,
        proof: Proof,
        browser: Browser,
        *,
        viewer: Principal | None,
        invitation_hash: str | None = None,
    ) -> SignedIn:
        """Sign in whoever `proof` shows, in one transaction; the session of the browser so far ends.

        Args:
            viewer: who is signed in already, and must be so still: the account at the provider becomes
                theirs. None for nobody: then it is looked up, and somebody new is made where they may join.
            invitation_hash: of the invitation that they came with, if any.

        Raises:
            SignInError: they may not join, were signed out while the provider was asked, or the account is
                somebody else's; nothing was stored.
        """
        try:
            with self.database.transaction(acting_for=AUTHENTICATION) as tx:
                found, created = self._user(tx, proof, browser, viewer, invitation_hash)
                return self._let_in(tx, proof, browser, found, created=created)
        except (
            ForeignIdentityError,
            AnotherIdentityError,
            BeingErasedError,
            RegistrationRefusedError,
            LinkOverError,
            UnauthenticatedError,
        ) as error:
            raise self._refusal_of(error) from error

    def note_refusal(self, method: str, refusal: SignInError, origin: Origin | None) -> None:
        """Put down in the audit log that a sign-in did not come about."""
        with self.database.transaction(acting_for=AUTHENTICATION) as tx:
            self.audit.record(
                tx,
                AuditEvent.SIGN_IN_REFUSED,
                actor=AUTHENTICATION,
                details={"method": method, "reason": refusal.reason},
                origin=origin,
            )

    def _let_in(
        self, tx: Transaction, proof: Proof, browser: Browser, user_id: UUID, *, created: bool
    ) -> SignedIn:
        listener, provider = Actor.listener(user_id), proof.identity.provider
        trail = AuditTrail(self.audit, listener, browser.origin)
        tx.continue_as(listener)
        refuse_if_erasing(tx.session, user_id)
        kept = proof.keep(tx, user_id)
        self.cache.invalidate(tx, [listener_scope(user_id)])
        if created:
            trail.record(tx, AuditEvent.ACCOUNT_CREATED, subject=user_id, details={"method": provider})
        if kept in _EVENTS:
            trail.record(tx, _EVENTS[kept], subject=user_id, details={"provider": provider})
        tx.continue_as(AUTHENTICATION)
        session = browser.begin_session(
            tx, self.audit, user_id, days=self.settings.session_days, method=provider
        )
        return SignedIn(user_id=user_id, session=session, created=created, kept=kept)

    def _user(
        self,
        tx: Transaction,
        proof: Proof,
        browser: Browser,
        viewer: Principal | None,
        invitation_hash: str | None,
    ) -> tuple[UUID, bool]:
        if viewer is not None and viewer.user_id is not None:
            still_allowed(tx, viewer)
            add_identity(tx, viewer.user_id, proof.identity)
            return viewer.user_id, False
        known = user_of(tx.session, proof.identity)
        if known is not None:
            return known, False
        admission = admit(
            tx,
            self.settings,
            self.audit,
            invitation_hash=invitation_hash,
            origin=browser.origin,
        )
        registration = register_user(
            tx, proof.identity, display_name=proof.display_name, role=admission.role.value
        )
        return registration.user_id, registration.created

    def _refusal_of(
        self,
        error: ForeignIdentityError
        | AnotherIdentityError
        | BeingErasedError
        | RegistrationRefusedError
        | LinkOverError
        | UnauthenticatedError,
    ) -> SignInError:
        match error:
            case ForeignIdentityError():
                return SignInError("identity_of_another_user")
            case AnotherIdentityError():
                return SignInError("another_account_connected")
            case BeingErasedError():
                return SignInError("being_erased")
            case LinkOverError():
                return SignInError("invitation_over")
            case UnauthenticatedError():
                return SignInError("session_changed")
            case _:
                closed = self.settings.registration == "closed"
                return SignInError("registration_closed" if closed else "invitation_needed")
