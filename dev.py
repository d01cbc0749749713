#!/usr/bin/env python3
"""Everything a developer types: `python3 dev.py` lists the commands.

Any Python can read this file, so that an old one can say which it needs. The rest is in `development/`.
"""

import os
import sys

if sys.version_info < (3, 11):  # noqa: UP036  (the point of this file)
    present = ".".join(str(part) for part in sys.version_info[:3])
    sys.stderr.write(
        "dev.py needs Python 3.11 or newer, this is " + present + "; run it with a newer one, as in "
        "python3.12 " + " ".join(sys.argv) + "\n"
    )
    sys.exit(1)

if os.name != "posix":
    sys.stderr.write("spotify-insights does not run on Windows itself; use WSL 2 or Docker.\n")
    sys.exit(1)

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))  # noqa: PTH120  (Python 2 has no pathlib)

from development.commands import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
