"""Names for artists, albums and tracks: invented, but with the ring of real ones."""

from collections.abc import Callable, Mapping
from random import Random
from typing import Final

from spotify_insights.pretend_spotify import vocabulary as words


def _surname(roll: Random) -> str:
    return roll.choice(words.SURNAME_STARTS) + roll.choice(words.SURNAME_ENDS)


def _person(roll: Random) -> str:
    return f"{roll.choice(words.FIRST_NAMES)} {_surname(roll)}"


def _plural(noun: str) -> str:
    if noun.endswith(("s", "x", "ch", "sh")):
        return f"{noun}es"
    if noun.endswith("y") and noun[-2] not in "aeiou":
        return f"{noun[:-1]}ies"
    return f"{noun}s"


def _band(roll: Random) -> str:
    adjective = roll.choice(words.BAND_ADJECTIVES)
    noun, other = roll.sample(words.BAND_NOUNS, 2)
    match roll.randrange(5):
        case 0:
            return f"The {adjective} {_plural(noun)}"
        case 1:
            return f"{roll.choice(words.PLACES)} {noun}"
        case 2:
            return f"{noun} {other}"
        case 3:
            return _person(roll)
        case _:
            return f"{adjective} {noun}"


def _producer(roll: Random) -> str:
    name = roll.choice(words.PRODUCER_STARTS) + roll.choice(words.PRODUCER_ENDS)
    match roll.randrange(6):
        case 0:
            return name.upper()
        case 1:
            return f"{roll.choice(words.FIRST_NAMES)} {name}"
        case _:
            return name


def _ensemble(roll: Random) -> str:
    match roll.randrange(4):
        case 0:
            return f"{_person(roll)} {roll.choice(('Trio', 'Quartet', 'Quintet'))}"
        case 1:
            return f"{_surname(roll)} {roll.choice(('Ensemble', 'Strings', 'Players'))}"
        case _:
            return _person(roll)


def _mc(roll: Random) -> str:
    match roll.randrange(3):
        case 0:
            return f"{roll.choice(words.MC_TITLES)} {roll.choice(words.MC_NAMES)}"
        case 1:
            return f"{roll.choice(words.FIRST_NAMES)} {roll.choice(words.MC_NAMES)}"
        case _:
            return _person(roll)


ARTIST_NAMES: Final[Mapping[str, Callable[[Random], str]]] = {
    "band": _band,
    "person": _person,
    "producer": _producer,
    "ensemble": _ensemble,
    "mc": _mc,
}


def _song(roll: Random) -> str:
    noun, other = roll.sample(words.TITLE_NOUNS, 2)
    match roll.randrange(8):
        case 0 | 1:
            return f"{roll.choice(words.TITLE_VERBS)} {roll.choice(words.TITLE_ENDINGS)}"
        case 2 | 3:
            return f"{roll.choice(words.TITLE_ADJECTIVES)} {noun}"
        case 4:
            return f"{noun} in {roll.choice(words.PLACES)}"
        case 5:
            return f"{noun} & {other}"
        case 6:
            return f"{noun} of the {other}"
        case _:
            return noun


def _piece(roll: Random) -> str:
    noun, other = roll.sample(words.TITLE_NOUNS, 2)
    match roll.randrange(5):
        case 0:
            return f"Study for {noun}"
        case 1:
            return f"{noun}, {roll.choice(words.PLACES)}"
        case 2:
            return f"{noun} {roll.choice(('I', 'II', 'III', 'IV', 'V'))}"
        case 3:
            return f"{noun} {other}"
        case _:
            return f"{roll.choice(words.TITLE_ADJECTIVES)} {noun}"


def _club_track(roll: Random) -> str:
    noun, other = roll.sample(words.TITLE_NOUNS, 2)
    title = noun if roll.random() < 0.4 else f"{noun} {other}"
    return f"{title} ({roll.choice(words.CLUB_SUFFIXES)})" if roll.random() < 0.4 else title


TRACK_TITLES: Final[Mapping[str, Callable[[Random], str]]] = {
    "song": _song,
    "piece": _piece,
    "club": _club_track,
}


def unused_name(draw: Callable[[Random], str], roll: Random, used: set[str]) -> str:
    """A name from `draw` that is not in `used` yet; it is added there."""
    while (name := draw(roll)) in used:
        pass
    used.add(name)
    return name
