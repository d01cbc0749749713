"""Hold a data folder without servers until standard input ends.

Arguments: FOLDER [leave-a-child], the latter for a child that inherits the lock and outlives this program.
"""

import json
import subprocess
import sys
from pathlib import Path

from spotify_insights.embedded.data_folder import DataFolder
from spotify_insights.errors import SetupError

try:
    with DataFolder(Path(sys.argv[1])) as data:
        told = {"sockets": str(data.sockets)}
        if "leave-a-child" in sys.argv:
            child = subprocess.Popen(
                ["/bin/sleep", "60"], pass_fds=[data.lock_descriptor], stdout=subprocess.DEVNULL
            )
            told["child"] = str(child.pid)
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()
        sys.stdin.read()
except SetupError as error:
    sys.stderr.write(f"{error}\n")
    sys.exit(1)
