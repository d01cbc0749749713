"""A narrative: what a narrator wrote, sentence by sentence tied to the facts it rests on. Pure values."""

from collections.abc import Iterable, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict

from spotify_insights.insights.brief import Brief
from spotify_insights.insights.fact import Fact


class Sentence(BaseModel):
    """Plain text and the ids of the facts that carry it."""

    model_config = ConfigDict(frozen=True)

    text: str
    fact_ids: tuple[str, ...]


class Paragraph(BaseModel):
    """Sentences that belong together, as plain text on one line."""

    model_config = ConfigDict(frozen=True)

    text: str
    fact_ids: tuple[str, ...]

    @classmethod
    def of(cls, sentences: Iterable[Sentence]) -> "Paragraph":
        """Join the sentences with spaces; every id is kept once, in order of appearance."""
        parts = list(sentences)
        ids = dict.fromkeys(fact_id for part in parts for fact_id in part.fact_ids)
        return cls(text=" ".join(part.text for part in parts), fact_ids=tuple(ids))


class Narrative(BaseModel):
    """A whole insight: headline, paragraphs, highlights that stand alone, and the facts they cite."""

    model_config = ConfigDict(frozen=True)

    headline: Sentence
    paragraphs: tuple[Paragraph, ...]
    highlights: tuple[Sentence, ...]
    facts: tuple[Fact, ...]

    @classmethod
    def of(
        cls,
        brief: Brief,
        *,
        headline: Sentence,
        paragraphs: Sequence[Paragraph],
        highlights: Sequence[Sentence],
    ) -> "Narrative":
        """Assemble a narrative and attach the facts of the brief that it cites, in the brief's order."""
        parts: tuple[Sentence | Paragraph, ...] = (headline, *paragraphs, *highlights)
        cited = {fact_id for part in parts for fact_id in part.fact_ids}
        return cls(
            headline=headline,
            paragraphs=tuple(paragraphs),
            highlights=tuple(highlights),
            facts=tuple(fact for fact in brief.facts if fact.id in cited),
        )

    @property
    def content(self) -> str:
        """Headline and paragraphs as plain text, separated by blank lines."""
        return "\n\n".join([self.headline.text, *(paragraph.text for paragraph in self.paragraphs)])

    @property
    def structured(self) -> dict[str, Any]:
        """The same as a JSON object, with the facts behind every paragraph."""
        return {
            "headline": self.headline.text,
            "paragraphs": [paragraph.model_dump(mode="json") for paragraph in self.paragraphs],
            "facts": [
                fact.model_dump(mode="json", include={"id", "value", "unit", "text"}) for fact in self.facts
            ],
            "highlights": [highlight.model_dump(mode="json") for highlight in self.highlights],
        }
