"""Where a sign-in through another service begins."""

from urllib.parse import urlencode


def login_address(provider: str, *, next_path: str = "/account", invitation: str | None = None) -> str:
    """The address that sends the browser to `provider`.

    Args:
        next_path: where it goes on to afterwards.
        invitation: the token of an invitation, which whoever is new uses up.
    """
    wanted = {} if next_path == "/account" else {"next": next_path}
    if invitation is not None:
        wanted["invitation"] = invitation
    return f"/auth/{provider}/login" + (f"?{urlencode(wanted)}" if wanted else "")
