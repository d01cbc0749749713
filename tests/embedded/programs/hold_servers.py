"""Hold both servers on a folder: print where they are, stop when standard input ends.

Arguments: FOLDER [nobody] [unbound]. `nobody` is who PostgreSQL runs as, `unbound` stands for a system whose
kernel does not end children with their parent.
"""

import json
import signal
import sys
from pathlib import Path

from spotify_insights.embedded.child_process import start_together
from spotify_insights.embedded.data_folder import DataFolder
from spotify_insights.embedded.postgres import EmbeddedPostgres
from spotify_insights.embedded.unprivileged import as_nobody
from spotify_insights.embedded.valkey import EmbeddedValkey
from spotify_insights.errors import SetupError

folder = Path(sys.argv[1])
if "unbound" in sys.argv:
    # A signal that tells them nothing.
    EmbeddedPostgres.death_signal = EmbeddedValkey.death_signal = signal.SIGCONT
identity = as_nobody() if "nobody" in sys.argv[2:] else None
try:
    with DataFolder(folder) as data:
        postgres = EmbeddedPostgres(data, identity=identity)
        valkey = EmbeddedValkey(data)
        try:
            start_together([valkey, postgres])
            told = {
                "database_url": postgres.url,
                "redis_url": valkey.url,
                "postgres": str(postgres.pid),
                "valkey": str(valkey.pid),
                "sockets": str(data.sockets),
            }
            sys.stdout.write(json.dumps(told) + "\n")
            sys.stdout.flush()
            sys.stdin.read()
        finally:
            valkey.stop()
            postgres.stop()
except SetupError as error:
    sys.exit(str(error))
