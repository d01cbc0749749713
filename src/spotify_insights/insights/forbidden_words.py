"""Words that no insight may use, and words that only some types may not.

Listening says nothing about anybody's health: studies that relate music choice to distress are
correlations over groups (Surana, Goyal and Alluri 2020, arXiv:2009.13685) and cannot be turned on one
person. So the lists are broad, and a harmless sentence that trips over them is written differently.
"""

import re
from collections.abc import Mapping
from typing import Final

from spotify_insights.insights.types import InsightType


def _any_of(stems: str) -> re.Pattern[str]:
    return re.compile(r"\b(?:" + "|".join(stems.split()) + ")", re.IGNORECASE)


# Diagnoses, symptoms, treatment, risk and self-harm; a stem forbids every word that starts with it.
_CLINICAL: Final = _any_of(
    r"addict anxi bipolar burnout burn-out clinical compulsi cope\b coping cure\b cured\b depress diagnos"
    r" disease disorder doctor dosage dose\b grief heal illness insan lonel mania manic medic mental neuro"
    r" obsess panic patholog patients?\b prescri psych risk self-?harm stress suffer suicid symptom therap"
    r" trauma treatment unwell well-?being withdrawal"
)

# Wellness describes; it neither advises nor guesses what somebody feels or how they rest.
_ADVICE: Final = _any_of(
    r"advi[cs]e consider\b make\ssure must\b need\sto ought recommend should suggest try\b why\snot"
)
_MIND: Final = _any_of(
    r"asleep awake bedtime exhaust fatigue insomnia sleep tired"
    r" you(?:r|'re|\sare|\swere)?\s(?:feel|mood|happ|sad|calm|wistful|intense|upbeat|emotion)"
)

# A roast is about the records.
_PERSON: Final = _any_of(
    r"you(?:'re|\sare|\swere)\b your\s(?:age|body|face|friends|life|mother|parents|personality|soul)"
    r" boomer dumb fat\b gay\b girl idiot loser man\b men\b moron old\b pathetic stupid ugly wom[ae]n young"
)
_MOOD: Final = _any_of(r"cry emotion feelings?\b happy happi miser mood sad\b sadness tears\b unhapp weep")

# That music and work went together is all a play history can show.
_EFFECT: Final = _any_of(
    r"because boost causes?\b causing effect efficien enabl enhanc help improv keeps?\syou lead(?:s|ing)?\sto"
    r" makes?\syou optimi[sz] perform productiv so\sthat\syou thanks\sto therefore"
)

_BY_TYPE: Final[Mapping[InsightType, Mapping[str, re.Pattern[str]]]] = {
    InsightType.WELLNESS: {"gives advice": _ADVICE, "reads the listener's mind or night": _MIND},
    InsightType.ROAST: {"is about the person": _PERSON, "is about mood": _MOOD},
    # A letter to somebody about their own week tells of the music, as wellness does.
    InsightType.WEEKLY: {"gives advice": _ADVICE, "reads the listener's mind or night": _MIND},
    InsightType.PRODUCTIVITY: {"claims an effect": _EFFECT},
}


def forbidden_words(prose: str, insight_type: InsightType) -> list[str]:
    """Return one reason per forbidden word in the prose; names must have been taken out before."""
    rules = {"is a clinical word": _CLINICAL, **_BY_TYPE[insight_type]}
    plain = prose.replace("\u2019", "'")
    return [
        f"“{match[0]}” {reason}." for reason, pattern in rules.items() for match in pattern.finditer(plain)
    ]
