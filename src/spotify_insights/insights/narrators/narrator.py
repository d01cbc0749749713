"""What anybody who writes insights has to offer."""

from typing import Protocol

from spotify_insights.insights.brief import Brief
from spotify_insights.insights.narrators.narrative import Narrative
from spotify_insights.insights.types import ToneMode


class Narrator(Protocol):
    """Turns a brief into text. `model` and `prompt_version` are stored with every insight."""

    @property
    def model(self) -> str: ...

    @property
    def prompt_version(self) -> str: ...

    def narrate(self, brief: Brief, *, tone: ToneMode, seed: str) -> Narrative:
        """Write about the facts of `brief` and nothing else; an equal `seed` asks for equal wording."""
        ...
