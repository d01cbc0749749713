"""spotify-insights: listening history turned into insights worth reading."""

import zoneinfo

__version__ = "2.0.0"

# Time zones come from the pinned package alone: two machines of one installation may carry different ones.
zoneinfo.reset_tzpath(to=())
