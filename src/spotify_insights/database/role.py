"""Which of PostgreSQL's roles a process works as: none of them owns a table, and each has its own grants."""

from enum import StrEnum


class DatabaseRole(StrEnum):
    """Roles without login that the migrations make; a connection takes one when it is opened.

    `API` sees what the actor of its transaction owns. `WORKER` also acts for the installation itself. `RELAY`
    moves jobs and sees nothing else.
    """

    API = "spotify_insights_api"
    WORKER = "spotify_insights_worker"
    RELAY = "spotify_insights_relay"
