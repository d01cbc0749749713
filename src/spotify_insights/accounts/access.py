"""A usable access token for a listener: refreshed before it ends, by one caller at a time.

Whoever refreshes takes a lease on the token row, talks to Spotify with no transaction open, and stores the
answer only if lease and version are still theirs. Everybody else waits for the new version, so that any
number of callers make one call: a provider that rotates refresh tokens revokes a family that is used twice.
"""

import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.orm import Session

from spotify_insights.accounts.call_budget import CallBudget, Purpose, ReservedCalls
from spotify_insights.accounts.connect import place_of
from spotify_insights.accounts.reauthorization import end_if_overdue
from spotify_insights.database.actor import Actor
from spotify_insights.database.database import Database, rows_changed
from spotify_insights.errors import PermanentError, TemporaryError
from spotify_insights.security.sealing import SealedText, Sealer
from spotify_insights.spotify.errors import NotSetUpError, ReauthRequiredError
from spotify_insights.spotify.http_client import SpotifyHttpClient
from spotify_insights.spotify.login import AppCredentials, Tokens, refresh

EXPIRES_SOON: Final = timedelta(seconds=60)
# Longer than the client's own total deadline, so that a lease never ends under a call that still runs.
REFRESH_LEASE: Final = timedelta(seconds=30)
WAIT_FOR_OTHERS: Final = timedelta(seconds=40)
_POLL_SECONDS: Final = 0.1

_READ: Final = text("""
    SELECT id, status, version, sealed_access_token, sealed_refresh_token, expires_at, scope,
           expires_at <= clock_timestamp() + :soon AS expires_soon
      FROM spotify_tokens WHERE user_id = :user_id
""")
_TAKE_LEASE: Final = text("""
    UPDATE spotify_tokens
       SET lease_token = :lease_token, lease_expires_at = clock_timestamp() + :lease
     WHERE user_id = :user_id AND version = :version AND status = 'connected'
       AND (lease_token IS NULL OR lease_expires_at < clock_timestamp())
""")
_STORE: Final = text("""
    UPDATE spotify_tokens
       SET sealed_access_token = :access_token,
           sealed_refresh_token = coalesce(:refresh_token, sealed_refresh_token),
           expires_at = clock_timestamp() + :life,
           scope = coalesce(CAST(:scope AS text[]), scope),
           version = version + 1, lease_token = NULL, lease_expires_at = NULL,
           updated_at = clock_timestamp()
     WHERE user_id = :user_id AND version = :version AND lease_token = :lease_token
""")
_REQUIRE_REAUTHORISATION: Final = text("""
    UPDATE spotify_tokens
       SET status = 'reauth_required', sealed_access_token = NULL, sealed_refresh_token = NULL,
           version = version + 1, lease_token = NULL, lease_expires_at = NULL,
           updated_at = clock_timestamp()
     WHERE user_id = :user_id AND version = :version AND lease_token = :lease_token
""")
_RELEASE: Final = text("""
    UPDATE spotify_tokens SET lease_token = NULL, lease_expires_at = NULL
     WHERE user_id = :user_id AND lease_token = :lease_token
""")


class NotConnectedError(PermanentError):
    """This listener never connected Spotify, or disconnected."""

    code = "spotify_not_connected"

    def __init__(self) -> None:
        super().__init__("This listener is not connected to Spotify. Connect Spotify first, then try again.")


@dataclass(frozen=True)
class Access:
    """An access token, what it may be used for, and the version of the row it came from.

    `scopes` are those that the listener granted; None where that is unknown.
    """

    token: SecretStr
    version: int
    expires_at: datetime
    scopes: frozenset[str] | None = None


@dataclass(frozen=True)
class _Refreshing:
    """The right to refresh one version of the tokens."""

    token_id: UUID
    version: int
    lease_token: UUID
    refresh_token: SecretStr


class AccessTokens:
    """Access tokens of every listener. Safe to share between threads and processes."""

    def __init__(
        self,
        database: Database,
        sealer: Sealer,
        http: SpotifyHttpClient,
        app: AppCredentials,
        budget: CallBudget,
    ) -> None:
        self._database = database
        self._sealer = sealer
        self._http = http
        self._app = app
        self._budget = budget

    def current(
        self,
        user_id: UUID,
        *,
        good_for: timedelta = EXPIRES_SOON,
        purpose: Purpose = Purpose.ASKED_FOR,
    ) -> Access:
        """A token that stays valid for at least `good_for`, refreshed first where it would not.

        Args:
            purpose: what a refresh is counted as in the budget of calls.

        Raises:
            NotConnectedError: there are no tokens.
            ReauthRequiredError: the listener must authorise again.
            NotSetUpError: it has to be refreshed, and this installation has no client id.
            TemporaryError: Spotify did not answer, or may not be asked now; trying later helps.
        """
        with self._database.transaction(acting_for=Actor.listener(user_id)) as tx:
            row = self._row(tx.session, user_id, good_for)
        _refuse_ended(row)
        if row.expires_soon:
            return self.renewed(user_id, seen_version=row.version, purpose=purpose)
        return self._access(row, user_id)

    def renewed(self, user_id: UUID, *, seen_version: int, purpose: Purpose = Purpose.ASKED_FOR) -> Access:
        """A token newer than `seen_version`: refreshed by us, or by whoever was faster.

        Raises: as `current`.
        """
        if not self._app.client_id:
            raise NotSetUpError
        give_up_at = time.monotonic() + WAIT_FOR_OTHERS.total_seconds()
        while time.monotonic() < give_up_at:
            claimed = self._newer_or_lease(user_id, seen_version)
            if isinstance(claimed, Access):
                return claimed
            if claimed is not None:
                self._refresh(user_id, claimed, purpose)
            else:
                time.sleep(_POLL_SECONDS)
        raise TemporaryError("Another process has been refreshing this Spotify token for too long.")

    def _newer_or_lease(self, user_id: UUID, seen_version: int) -> Access | _Refreshing | None:
        with self._database.transaction(acting_for=Actor.listener(user_id)) as tx:
            row = self._row(tx.session, user_id, EXPIRES_SOON)
            claimed = self._lease(tx.session, user_id, row) if row.version == seen_version else None
        _refuse_ended(row)
        return self._access(row, user_id) if row.version != seen_version else claimed

    def _lease(self, session: Session, user_id: UUID, row: Any) -> _Refreshing | None:
        lease_token = uuid4()
        lease = {
            "user_id": user_id,
            "version": row.version,
            "lease_token": lease_token,
            "lease": REFRESH_LEASE,
        }
        if rows_changed(session, _TAKE_LEASE, lease) != 1:
            return None
        place = place_of("sealed_refresh_token", token_id=row.id, user_id=user_id)
        # Opened before the lease is committed: a broken seal must not make others wait for its end.
        return _Refreshing(
            token_id=row.id,
            version=row.version,
            lease_token=lease_token,
            refresh_token=self._sealer.open(SealedText(row.sealed_refresh_token), place),
        )

    def _refresh(self, user_id: UUID, refreshing: _Refreshing, purpose: Purpose) -> None:
        holder = {"user_id": user_id, "lease_token": refreshing.lease_token}
        try:
            with ReservedCalls(self._budget, 1, purpose=purpose) as calls:
                tokens = calls.make(
                    lambda: refresh(self._http, self._app, refresh_token=refreshing.refresh_token)
                )
        except ReauthRequiredError:
            self._execute(user_id, _REQUIRE_REAUTHORISATION, holder | {"version": refreshing.version})
            return
        except BaseException:
            self._execute(user_id, _RELEASE, holder)
            raise
        self._execute(
            user_id,
            _STORE,
            holder
            | {
                "version": refreshing.version,
                "life": tokens.expires_in,
                "scope": None if tokens.scopes is None else sorted(tokens.scopes),
            }
            | self._sealed(user_id, refreshing.token_id, tokens),
        )

    def _sealed(self, user_id: UUID, token_id: UUID, tokens: Tokens) -> dict[str, SealedText | None]:
        def seal(column: str, secret: SecretStr | None) -> SealedText | None:
            if secret is None:
                return None
            return self._sealer.seal(secret, place_of(column, token_id=token_id, user_id=user_id))

        return {
            "access_token": seal("sealed_access_token", tokens.access_token),
            "refresh_token": seal("sealed_refresh_token", tokens.refresh_token),
        }

    def _execute(self, user_id: UUID, statement: Any, parameters: dict[str, Any]) -> None:
        with self._database.transaction(acting_for=Actor.listener(user_id)) as tx:
            tx.session.execute(statement, parameters)

    def _row(self, session: Session, user_id: UUID, soon: timedelta) -> Any:
        """The row as it stands; where its end has just come, that is recorded when the transaction ends."""
        end_if_overdue(session, user_id)
        row = session.execute(_READ, {"user_id": user_id, "soon": soon}).one_or_none()
        if row is None:
            raise NotConnectedError
        return row

    def _access(self, row: Any, user_id: UUID) -> Access:
        place = place_of("sealed_access_token", token_id=row.id, user_id=user_id)
        token = self._sealer.open(SealedText(row.sealed_access_token), place)
        return Access(
            token=token,
            version=row.version,
            expires_at=row.expires_at,
            scopes=None if row.scope is None else frozenset(row.scope),
        )


def _refuse_ended(row: Any) -> None:
    """Outside of the transaction that read the row, which must not be rolled back."""
    if row.status == "reauth_required":
        raise ReauthRequiredError
