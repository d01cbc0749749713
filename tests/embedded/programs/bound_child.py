"""Bind this process to its parent in the way named by the first argument, say so, and wait for the end.

Arguments: usual|thread|late. `late` claims a parent that is already gone.
"""

import json
import os
import signal
import sys
import threading

from spotify_insights.embedded.parent_death import die_with_parent, watch_parent

how = sys.argv[1]
if how == "usual":
    die_with_parent(signal.SIGKILL)
elif how == "thread":
    threading.Thread(target=watch_parent, args=(signal.SIGKILL, os.getppid()), daemon=True).start()
else:
    die_with_parent(signal.SIGKILL, parent=os.getpid())
sys.stdout.write(json.dumps({"child": str(os.getpid())}) + "\n")
sys.stdout.flush()
threading.Event().wait()
