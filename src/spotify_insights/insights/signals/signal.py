"""A signal: something in the facts that is worth telling, and how far it is from ordinary."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Final, NamedTuple

from pydantic import BaseModel, ConfigDict

from spotify_insights.insights.fact import Fact

# One wild number must not drown everything else: beyond this, further is not more interesting.
MAX_STRENGTH: Final = 3.0


class Theme(StrEnum):
    """What a signal is about; one paragraph tells one theme."""

    MOOD = "mood"
    SOUND = "sound"
    VOICES = "voices"
    HOURS = "hours"
    FAVOURITES = "favourites"
    GENRES = "genres"
    WEEK = "week"
    EVIDENCE = "evidence"


class Signal(BaseModel):
    """Worth telling: `kind` names what, `fact_ids` what it rests on.

    `strength` is the distance from ordinary in notable steps: 1 is worth a remark, 3 the most.
    Standing signals, true of everybody, stay below 1 and are told where nothing stands out.
    """

    model_config = ConfigDict(frozen=True)

    kind: str
    theme: Theme
    strength: float
    fact_ids: tuple[str, ...]


Facts = Mapping[str, Fact]
Detector = Callable[[Facts], Signal | None]


class Ordinary(NamedTuple):
    """What needs no remark: a centre, and the distance from it at which a remark is due."""

    centre: float
    notable: float


def above(kind: str, theme: Theme, fact_id: str, ordinary: Ordinary, *also: str) -> Detector:
    """Make a detector that fires where the fact lies notably above ordinary; `also` are cited too."""
    return _departure(kind, theme, (fact_id, *also), ordinary, direction=1.0)


def below(kind: str, theme: Theme, fact_id: str, ordinary: Ordinary, *also: str) -> Detector:
    """Make a detector that fires where the fact lies notably below ordinary; `also` are cited too."""
    return _departure(kind, theme, (fact_id, *also), ordinary, direction=-1.0)


def standing(kind: str, theme: Theme, strength: float, *fact_ids: str) -> Detector:
    """Make a detector that fires with a fixed strength wherever all the facts are known."""

    def detect(facts: Facts) -> Signal | None:
        if not all(fact_id in facts for fact_id in fact_ids):
            return None
        return Signal(kind=kind, theme=theme, strength=strength, fact_ids=fact_ids)

    return detect


def as_standing(detect: Detector, strength: float) -> Detector:
    """Make a detector that fires where `detect` does, but never stands out: for side matters."""

    def detect_quietly(facts: Facts) -> Signal | None:
        signal = detect(facts)
        return None if signal is None else signal.model_copy(update={"strength": strength})

    return detect_quietly


def _departure(
    kind: str, theme: Theme, fact_ids: tuple[str, ...], ordinary: Ordinary, *, direction: float
) -> Detector:
    def detect(facts: Facts) -> Signal | None:
        if not all(fact_id in facts for fact_id in fact_ids):
            return None
        value = facts[fact_ids[0]].number
        if value is None:
            return None
        strength = direction * (value - ordinary.centre) / ordinary.notable
        # Rounded first, so that a share on the border is not decided by the last binary digit.
        if (rounded := round(min(MAX_STRENGTH, strength), 3)) < 1.0:
            return None
        return Signal(kind=kind, theme=theme, strength=rounded, fact_ids=fact_ids)

    return detect
