"""Start `bound_child.py` with our arguments and standard output, and hold it until standard input ends."""

import subprocess
import sys
from pathlib import Path

command = [sys.executable, str(Path(__file__).with_name("bound_child.py")), *sys.argv[1:]]
with subprocess.Popen(command) as child:  # noqa: S603  (our own program)
    sys.stdin.read()
    child.kill()
