"""What counts as ordinary, fact by fact.

These are editorial choices, not population norms: they decide only which true thing is told first,
and no text compares a listener with others. Each says where it comes from.
"""

from typing import Final

from spotify_insights.insights.signals.signal import Ordinary

# Plays spread evenly would put 25 % into the six late hours; most people leave half of them silent.
LATE: Final = Ordinary(0.12, 0.10)
# Four hours of getting up and going out: a sixth if spread evenly, less for whoever starts late.
MORNING: Final = Ordinary(0.10, 0.10)
# Eight of the seventeen or so waking hours.
DAYTIME: Final = Ordinary(0.42, 0.16)
# Six of them, and the ones most people have to themselves.
EVENING: Final = Ordinary(0.36, 0.14)
# Length of the mean vector on the 24-hour circle: sleeping alone gives about 0.3, an even clock 0.
CONCENTRATION: Final = Ordinary(0.30, 0.15)
# An even clock puts a 24th of the plays into an hour and an eighth into three; twice that is a peak.
PEAK_HOUR: Final = Ordinary(1 / 24, 1 / 24)
FULL_BLOCK: Final = Ordinary(1 / 8, 1 / 8)
# Two days of seven; at a departure of ten points a weekend day counts for half as much again.
WEEKEND: Final = Ordinary(2 / 7, 0.10)

# The busiest of seven even days has little more than a seventh; a third of a week is a day to remember.
FULLEST_DAY: Final = Ordinary(0.20, 0.13)
# In a week a favourite artist easily has a tenth of the plays; a fifth colours the whole of it.
SHARE_OF_LEADING_ARTIST: Final = Ordinary(0.10, 0.10)

# With five mood classes 20 % each is even; the largest of five is seldom below 30 %.
LEADING_MOOD: Final = Ordinary(0.30, 0.15)

# Four tracks of fifty is an artist one likes; eight is a pattern.
SHARE_OF_ONE_ARTIST: Final = Ordinary(0.08, 0.08)
# Thirty artists among fifty tracks leave room for favourites; twenty or forty say something.
DISTINCT_ARTISTS: Final = Ordinary(0.60, 0.20)
# A run of three at the top of the list is the first that cannot be overlooked.
STREAK: Final = Ordinary(1.0, 1.8)
# Genres overlap, so the most frequent one reaches a third of the artists without meaning much.
LEADING_GENRE: Final = Ordinary(0.35, 0.20)
# Twenty artists with a few tags each share many of them; beyond thirty-odd genres the tags scatter.
GENRES: Final = Ordinary(16.0, 12.0)

# Feature means (0 to 1): centres where large mixed track lists tend to lie, and steps that separate
# recognisable kinds of music (Spotify Web API reference, "Get Track's Audio Features": instrumentalness
# above 0.5 is meant to be instrumental, speechiness above 0.33 mixes speech and music).
ENERGY: Final = Ordinary(0.60, 0.15)
DANCEABILITY: Final = Ordinary(0.58, 0.13)
ACOUSTICNESS: Final = Ordinary(0.28, 0.24)
INSTRUMENTALNESS: Final = Ordinary(0.12, 0.20)
# Below six points nearly every track has a voice in it.
VOCALS: Final = Ordinary(0.12, 0.06)
SPEECHINESS: Final = Ordinary(0.08, 0.08)
# Weighted standard deviation of energy among one listener's tracks.
ENERGY_SPREAD: Final = Ordinary(0.19, 0.08)
# Beats per minute. A brisk walk is about 118 steps a minute; a sixth slower or quicker is another gait.
TEMPO: Final = Ordinary(118.0, 18.0)
