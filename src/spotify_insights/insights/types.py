"""Which insights there are and in which voice they speak."""

from enum import StrEnum


class InsightType(StrEnum):
    WELLNESS = "wellness"
    ROAST = "roast"
    PRODUCTIVITY = "productivity"
    WEEKLY = "weekly"


class ToneMode(StrEnum):
    NEUTRAL = "neutral"
    SUPPORTIVE = "supportive"
    PLAYFUL = "playful"
    DIRECT = "direct"
