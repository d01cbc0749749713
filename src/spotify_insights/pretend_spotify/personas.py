"""The invented listeners: when they listen, to what, and how faithful they are to it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

_EVERY_DAY: Final = (1.0,) * 7
_WORKDAYS: Final = (1.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0)
_WEEKEND: Final = (0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Habit:
    """A session that recurs.

    `chances` are seven probabilities from Monday on; `hour` is the usual local start in hours after
    midnight (25.5 is half past one in the night that follows), `spread` its standard deviation;
    `tracks` the usual number in a row; `genres` weighs what is played.
    """

    chances: tuple[float, ...]
    hour: float
    spread: float
    tracks: int
    genres: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Persona:
    """Somebody with a taste and a rhythm.

    `day_break` is the local hour at which nobody like them is listening: their day runs from there to
    the same hour of the next date. `artists_per_genre` is how wide the taste is, `steepness` the
    exponent of the Zipf law over favourites, `skips` the share of tracks cut short, and
    `obsession_chance` how many fortnights belong to one song, which then takes `obsession_share` of plays.
    """

    key: str
    display_name: str
    description: str
    timezone: str
    country: str
    day_break: float
    habits: tuple[Habit, ...]
    artists_per_genre: int = 10
    steepness: float = 0.9
    skips: float = 0.12
    obsession_chance: float = 0.15
    obsession_share: float = 0.12


NIGHT_OWL: Final = Persona(
    key="night-owl",
    display_name="Noa Lindgren",
    description="Melancholic indie, long after everyone else has gone to bed",
    timezone="Europe/Stockholm",
    country="SE",
    day_break=11.0,
    skips=0.07,
    obsession_chance=0.3,
    habits=(
        Habit(chances=(0.55,) * 7, hour=16.5, spread=1.2, tracks=8, genres={"dream pop": 3, "indie rock": 2}),
        Habit(
            chances=(0.9, 0.9, 0.9, 0.9, 0.75, 0.7, 0.9),
            hour=23.2,
            spread=0.8,
            tracks=21,
            genres={"sad indie": 6, "indie folk": 4, "dream pop": 3},
        ),
        Habit(
            chances=(0.75, 0.75, 0.8, 0.8, 0.9, 0.9, 0.7),
            hour=25.6,
            spread=0.8,
            tracks=18,
            genres={"sad indie": 7, "indie folk": 4, "ambient": 1},
        ),
    ),
)

EARLY_COMMUTER: Final = Persona(
    key="early-commuter",
    display_name="Maya Osei",
    description="Upbeat pop on the first train, and again on the way home",
    timezone="Europe/London",
    country="GB",
    day_break=3.5,
    skips=0.2,
    habits=(
        Habit(
            chances=(0.95, 0.95, 0.95, 0.95, 0.9, 0.0, 0.0),
            hour=6.4,
            spread=0.3,
            tracks=22,
            genres={"pop": 6, "synth pop": 3, "disco": 2, "afrobeats": 2},
        ),
        Habit(
            chances=(0.9, 0.9, 0.9, 0.9, 0.8, 0.0, 0.0),
            hour=17.3,
            spread=0.5,
            tracks=20,
            genres={"pop": 5, "latin pop": 3, "soul": 2, "afrobeats": 2},
        ),
        Habit(chances=(0.4,) * 5 + (0.2, 0.3), hour=12.4, spread=0.3, tracks=8, genres={"soul": 3, "pop": 3}),
        Habit(
            chances=_WEEKEND, hour=9.5, spread=0.9, tracks=22, genres={"soul": 4, "disco": 3, "synth pop": 3}
        ),
        Habit(
            chances=(0, 0, 0, 0, 0.3, 0.6, 0.2),
            hour=19.5,
            spread=0.7,
            tracks=18,
            genres={"disco": 4, "pop": 4},
        ),
    ),
)

FOCUS_LISTENER: Final = Persona(
    key="focus-listener",
    display_name="Jonas Adler",
    description="Instrumental concentration by day, jazz once the laptop is shut",
    timezone="Europe/Berlin",
    country="DE",
    day_break=4.0,
    skips=0.05,
    steepness=0.75,
    habits=(
        Habit(
            chances=(0.95, 0.95, 0.9, 0.95, 0.9, 0.05, 0.05),
            hour=9.1,
            spread=0.4,
            tracks=28,
            genres={"lo-fi beats": 6, "ambient": 4, "neoclassical": 2},
        ),
        Habit(
            chances=(0.9, 0.9, 0.85, 0.9, 0.7, 0.0, 0.05),
            hour=13.6,
            spread=0.5,
            tracks=24,
            genres={"ambient": 5, "neoclassical": 4, "techno": 1},
        ),
        Habit(
            chances=(0.45, 0.45, 0.5, 0.45, 0.6, 0.7, 0.6),
            hour=19.8,
            spread=0.9,
            tracks=11,
            genres={"jazz": 6, "soul": 3},
        ),
        Habit(
            chances=_WEEKEND, hour=11.0, spread=1.2, tracks=12, genres={"jazz": 3, "indie folk": 3, "soul": 2}
        ),
    ),
)

WEEKEND_RAVER: Final = Persona(
    key="weekend-raver",
    display_name="Rui Teixeira",
    description="Two nights of techno, five days of coming back down",
    timezone="Europe/Lisbon",
    country="PT",
    day_break=12.0,
    skips=0.1,
    obsession_chance=0.1,
    habits=(
        Habit(
            chances=(0, 0, 0, 0.15, 0.95, 0.97, 0.1),
            hour=22.6,
            spread=0.6,
            tracks=48,
            genres={"techno": 7, "house": 4, "drum and bass": 3},
        ),
        Habit(
            chances=(0, 0, 0, 0, 0.7, 0.85, 0),
            hour=28.2,
            spread=0.5,
            tracks=24,
            genres={"techno": 6, "drum and bass": 4},
        ),
        Habit(
            chances=(0, 0, 0, 0, 0.6, 0.9, 0.5),
            hour=18.0,
            spread=0.8,
            tracks=22,
            genres={"house": 5, "disco": 3},
        ),
        Habit(
            chances=(0.65, 0.65, 0.7, 0.7, 0.4, 0.0, 0.65),
            hour=17.8,
            spread=1.0,
            tracks=17,
            genres={"house": 3, "ambient": 3, "lo-fi beats": 2},
        ),
    ),
)

OMNIVORE: Final = Persona(
    key="omnivore",
    display_name="Priya Raman",
    description="A bit of everything, at every hour of the day",
    timezone="Asia/Kolkata",
    country="IN",
    day_break=4.0,
    artists_per_genre=14,
    steepness=0.6,
    skips=0.15,
    habits=(
        Habit(
            chances=(0.8,) * 7,
            hour=7.4,
            spread=0.7,
            tracks=11,
            genres={"americana": 2, "soul": 3, "pop": 2, "neoclassical": 2},
        ),
        Habit(
            chances=(0.85, 0.85, 0.85, 0.85, 0.85, 0.4, 0.4),
            hour=10.6,
            spread=1.0,
            tracks=15,
            genres={"jazz": 3, "lo-fi beats": 2, "synth pop": 2, "indie rock": 2},
        ),
        Habit(
            chances=(0.7,) * 7,
            hour=14.8,
            spread=1.3,
            tracks=13,
            genres={"afrobeats": 3, "latin pop": 3, "hip hop": 3, "drum and bass": 1},
        ),
        Habit(
            chances=(0.8,) * 7,
            hour=18.4,
            spread=1.0,
            tracks=15,
            genres={"metal": 2, "indie rock": 2, "disco": 3, "house": 2, "techno": 1},
        ),
        Habit(
            chances=(0.6, 0.6, 0.6, 0.6, 0.7, 0.7, 0.6),
            hour=21.6,
            spread=0.9,
            tracks=13,
            genres={"dream pop": 2, "indie folk": 2, "sad indie": 2, "jazz": 2, "ambient": 1},
        ),
    ),
)

OBSESSIVE: Final = Persona(
    key="obsessive",
    display_name="Theo Marchetti",
    description="Six artists, a handful of songs, and one of them on repeat",
    timezone="America/New_York",
    country="US",
    day_break=4.5,
    artists_per_genre=2,
    steepness=1.25,
    skips=0.06,
    obsession_chance=0.75,
    obsession_share=0.35,
    habits=(
        Habit(chances=_EVERY_DAY, hour=8.2, spread=0.6, tracks=14, genres={"indie rock": 5, "sad indie": 2}),
        Habit(chances=(0.8,) * 7, hour=15.9, spread=1.4, tracks=18, genres={"indie rock": 5, "hip hop": 1}),
        Habit(
            chances=(0.75,) * 7, hour=21.7, spread=0.9, tracks=19, genres={"sad indie": 4, "indie rock": 3}
        ),
    ),
)

LUNCH_LIFTER: Final = Persona(
    key="lunch-lifter",
    display_name="Kaia Nakamura",
    description="Metal and hip hop under the bar at noon, soul on Sunday",
    timezone="Australia/Melbourne",
    country="AU",
    day_break=4.0,
    steepness=1.0,
    skips=0.25,
    habits=(
        Habit(
            chances=(0.85, 0.85, 0.85, 0.85, 0.8, 0.5, 0.0),
            hour=12.2,
            spread=0.3,
            tracks=19,
            genres={"metal": 6, "hip hop": 5, "drum and bass": 2},
        ),
        Habit(
            chances=(0.7, 0.7, 0.7, 0.7, 0.7, 0.6, 0.3),
            hour=18.6,
            spread=0.8,
            tracks=18,
            genres={"hip hop": 5, "indie rock": 3, "afrobeats": 2},
        ),
        Habit(chances=_WORKDAYS, hour=7.6, spread=0.4, tracks=8, genres={"hip hop": 3, "pop": 2}),
        Habit(
            chances=_WEEKEND, hour=10.5, spread=1.2, tracks=24, genres={"soul": 5, "americana": 3, "jazz": 2}
        ),
    ),
)

PERSONAS: Final = (
    NIGHT_OWL,
    EARLY_COMMUTER,
    FOCUS_LISTENER,
    WEEKEND_RAVER,
    OMNIVORE,
    OBSESSIVE,
    LUNCH_LIFTER,
)
PERSONA_BY_KEY: Final[Mapping[str, Persona]] = {persona.key: persona for persona in PERSONAS}
