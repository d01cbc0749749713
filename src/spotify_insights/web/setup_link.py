"""Telling whoever started this process how to become the first admin."""

import sys
from contextlib import suppress

from spotify_insights.errors import UnavailableError
from spotify_insights.runtime import Runtime
from spotify_insights.sign_in.first_admin import setup_link_if_needed


def print_setup_link(runtime: Runtime) -> None:
    """While there is no admin, print a link that makes one; in no log, because whoever reads it may use it.

    Where the database does not answer yet, nothing is printed; `spotify-insights accounts setup-link` makes
    another one at any time.
    """
    # A terminal or pipe that went away is no reason to fall.
    with suppress(UnavailableError, OSError):
        address = setup_link_if_needed(runtime.database, runtime.settings)
        if address is not None:
            sys.stdout.write(
                "Nobody can sign in yet. Become the admin, within a day and once:\n"
                f"  {address.get_secret_value()}\n"
            )
            sys.stdout.flush()
