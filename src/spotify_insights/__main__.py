"""`python -m spotify_insights` is the `spotify-insights` command."""

import sys

try:
    from spotify_insights.cli.main import main

    main()
except KeyboardInterrupt:
    # Ctrl-C while modules are still being imported.
    sys.exit(130)
