"""`python -m spotify_insights` is the `spotify-insights` command."""

from spotify_insights.cli.main import main

main()
