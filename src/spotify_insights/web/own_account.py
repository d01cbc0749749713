"""For operations on what is the caller's own, such as keys and sessions."""

from uuid import UUID

from spotify_insights.access.principal import Principal
from spotify_insights.errors import ConflictError


def own_id(principal: Principal) -> UUID:
    """Who the caller is.

    Raises:
        ConflictError: this installation asks nobody, so the caller is nobody in particular.
    """
    if principal.user_id is None:
        raise ConflictError(
            "This installation asks nobody who they are, so you have no keys and sessions of your own. "
            "Send an API key, or set AUTH_MODE=required."
        )
    return principal.user_id
