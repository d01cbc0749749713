"""spotify-insights: listening history turned into insights worth reading."""

__version__ = "2.0.0"
