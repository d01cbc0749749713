"""Real PostgreSQL and Valkey as child processes, on unix sockets in one private folder."""

import os

if os.name != "posix":
    from spotify_insights.errors import SetupError

    raise SetupError("spotify-insights does not start servers on Windows; use WSL 2 or Docker.")
