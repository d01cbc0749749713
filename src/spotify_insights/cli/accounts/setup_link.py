"""The link that makes the first admin, for the command line."""

import os
from collections.abc import Mapping
from pathlib import Path

from spotify_insights.cli.jobs.operator_database import OperatorDatabase
from spotify_insights.cli.terminal import say
from spotify_insights.cli.which_database import WhichDatabase
from spotify_insights.database.database import Database
from spotify_insights.database.role import DatabaseRole
from spotify_insights.settings import Settings
from spotify_insights.sign_in.first_admin import create_setup_link, setup_link_if_needed
from spotify_insights.sign_in.redirect_uri import check_public_url


def show_setup_link(data_dir: Path | None, *, public_url: str | None) -> None:
    """Print a link that makes the first admin, once, within a day.

    Raises:
        AdminExistsError: there is one.
        SetupError: there is no such database, or PUBLIC_URL cannot be used.
        UnavailableError: the database does not answer.
    """
    address = public_url or os.environ.get("PUBLIC_URL") or str(Settings.model_fields["public_url"].default)
    check_public_url(address)
    database = OperatorDatabase(WhichDatabase(data_dir=data_dir))
    try:
        with database.transaction() as tx:
            link = create_setup_link(tx, address)
    finally:
        database.close()
    say(link.get_secret_value())


def link_of_this_start(environment: Mapping[str, str]) -> str | None:
    """The same for `up` with these settings; None where nobody has to sign in, or there is an admin."""
    settings = Settings.from_environment(environment)
    database = Database(settings.database_url.get_secret_value(), role=DatabaseRole.API, pool_size=1)
    try:
        link = setup_link_if_needed(database, settings)
    finally:
        database.close()
    return None if link is None else link.get_secret_value()
