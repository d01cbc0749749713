"""People for tests: one sensible default each, to be overridden by keyword."""

from uuid import UUID, uuid4

from pydantic import SecretStr

from canaries import ACCESS_TOKEN, REFRESH_TOKEN
from spotify_insights.accounts.connect import store_tokens
from spotify_insights.accounts.register import Identity, register_user
from spotify_insights.database.actor import SYSTEM
from spotify_insights.runtime import Runtime


def a_user(runtime: Runtime, *, timezone: str = "UTC") -> UUID:
    """Somebody registered."""
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        identity = Identity(provider="spotify", provider_user_id=f"listener-{uuid4()}")
        return register_user(tx, identity, display_name="Robin", timezone=timezone).user_id


def a_connected_user(
    runtime: Runtime,
    *,
    timezone: str = "UTC",
    access_token: str = ACCESS_TOKEN,
    refresh_token: str = REFRESH_TOKEN,
    expires_in: int = 3600,
) -> UUID:
    """Somebody registered whose Spotify tokens are stored."""
    user_id = a_user(runtime, timezone=timezone)
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        store_tokens(
            tx,
            runtime.sealer,
            user_id,
            access_token=SecretStr(access_token),
            refresh_token=SecretStr(refresh_token),
            expires_in=expires_in,
        )
    return user_id
