import sys

from spotify_insights.pretend_spotify.serve import main

sys.exit(main())
