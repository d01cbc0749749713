"""A child with a behaviour: BEHAVIOUR FOLDER. It appends what happens to `FOLDER/events`.

well and also-well stop when asked; stubborn does not; slow takes long; failing never gets ready; parent has a
child of its own that knows nothing of all this.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

behaviour, folder = sys.argv[1], Path(sys.argv[2])


def tell(event: str) -> None:
    with (folder / "events").open("a") as events:
        events.write(f"{behaviour} {event}\n")


def stop(*_: object) -> None:
    if behaviour == "slow":
        time.sleep(20)
    tell("stops")
    sys.exit()


signal.signal(signal.SIGTERM, signal.SIG_IGN if behaviour == "stubborn" else stop)
if behaviour == "failing":
    sys.stderr.write("looking around\nthe moon is in the way\n  ^^^^\n\n")
    sys.exit(3)
if behaviour == "parent":
    with (folder / "grandchild").open("w") as file:
        file.write(str(subprocess.Popen(["/bin/sleep", "60"]).pid))
tell("starts")
Path(os.environ["READY_FILE"]).touch()
while True:
    signal.pause()
