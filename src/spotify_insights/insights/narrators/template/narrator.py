"""The narrator that is always there: it chooses what stands out, and then how to say it."""

from collections.abc import Sequence
from typing import Final

from spotify_insights.insights.brief import Brief
from spotify_insights.insights.fact import Unit
from spotify_insights.insights.narrators.narrative import Narrative, Paragraph, Sentence
from spotify_insights.insights.narrators.template.choice import choose
from spotify_insights.insights.narrators.template.phrase import Phrase
from spotify_insights.insights.narrators.template.phrasebook import Phrasebook, highlights, phrasebook
from spotify_insights.insights.signals.signal import Signal, Theme
from spotify_insights.insights.types import ToneMode

# Three themes, a word on the evidence and a closing are what people read to the end. A fourth theme
# must earn its place by standing out.
_THEMES: Final = 3
_FOURTH_THEME_FROM: Final = 1.0

# A paragraph makes two points at most; the favourites may add a name or a title after them.
_POINTS: Final = 2
_PASSAGES: Final = {theme: 3 if theme is Theme.FAVOURITES else 2 for theme in Theme}
_HIGHLIGHTS: Final = 3

# Frames of reference may recur; any other number or name is told once.
_MAY_RECUR: Final = frozenset({"scale", "time_range", "tracks_listed", "tracks_considered", "tracks_heard"})


class TemplateNarrator:
    """Writes any brief in any tone, without network, clock or chance.

    The same brief, tone and seed give the same narrative, so narrating again is safe. Another seed, or
    other evidence, chooses other phrasings of what the brief's signals make worth telling. Everything
    it writes passes `ungrounded`; a narrative that does not is a programming error.
    """

    model: Final = "template"
    prompt_version: Final = "template-2"

    def narrate(self, brief: Brief, *, tone: ToneMode, seed: str) -> Narrative:
        """Write the narrative; `seed` is any string, usually the insight's id."""
        return _Telling(brief, phrasebook(brief.insight_type, tone), seed).narrative()


class _Telling:
    """One narrative in the making: it remembers what has been told, to tell nothing twice."""

    def __init__(self, brief: Brief, book: Phrasebook, seed: str) -> None:
        self._brief = brief
        self._facts = brief.facts_by_id
        self._book = book
        # Two listeners who happen to share a seed would otherwise share every turn of phrase.
        self._seed = f"{seed}/{brief.content_hash}"
        self._told: set[str] = set()
        self._signals: list[Signal] = []

    def narrative(self) -> Narrative:
        paragraphs = [p for theme in self._themes() if (p := self._theme_paragraph(theme)) is not None]
        if not paragraphs:
            return self._nothing()
        lead = self._signals[0]
        notes, closing = self._notes(), self._closing(lead)
        if len(paragraphs) > _THEMES:
            paragraphs.append(Paragraph.of([*notes, closing]))
        else:
            paragraphs += [Paragraph.of(part) for part in (notes, [closing]) if part]
        return Narrative.of(
            self._brief,
            headline=self._headline(lead),
            paragraphs=paragraphs,
            highlights=self._highlights(),
        )

    def _themes(self) -> list[Theme]:
        strongest: dict[Theme, float] = {}
        for signal in self._brief.signals:
            if signal.theme is not Theme.EVIDENCE:
                strongest.setdefault(signal.theme, signal.strength)
        themes = list(strongest)
        return [
            theme
            for place, theme in enumerate(themes)
            if place < _THEMES or (place == _THEMES and strongest[theme] >= _FOURTH_THEME_FROM)
        ]

    def _theme_paragraph(self, theme: Theme) -> Paragraph | None:
        sentences: list[Sentence] = []
        for signal in self._brief.signals:
            if signal.theme is not theme or len(sentences) == _PASSAGES[theme]:
                continue
            if len(sentences) == _POINTS and signal.strength >= 1.0:
                continue
            phrase = self._fresh_phrase(signal.kind, may_repeat=not sentences)
            if phrase is not None:
                sentences.append(self._tell(phrase, signal))
                self._signals.append(signal)
        if not sentences:
            return None
        first = len(self._signals) == len(sentences)
        return Paragraph.of([*self._spoken("opening"), *sentences] if first else sentences)

    def _fresh_phrase(self, kind: str, *, may_repeat: bool) -> Phrase | None:
        options = self._tellable(kind)
        repeats = {phrase: len(self._told & self._figures(phrase)) for phrase in options}
        fewest = min(repeats.values(), default=0)
        if not options or (fewest and not may_repeat):
            return None
        freshest = [phrase for phrase in options if repeats[phrase] == fewest]
        return choose(freshest, seed=self._seed, occasion=kind)

    def _tellable(self, section: str) -> list[Phrase]:
        passages = self._book[section].passages if section in self._book else ()
        return [phrase for phrase in passages if self._facts.keys() >= set(phrase.required)]

    def _tell(self, phrase: Phrase, signal: Signal) -> Sentence:
        sentence = phrase.render(self._facts)
        self._told |= self._texts(sentence.fact_ids)
        return Sentence(
            text=sentence.text, fact_ids=tuple(dict.fromkeys((*sentence.fact_ids, *signal.fact_ids)))
        )

    def _figures(self, phrase: Phrase) -> set[str]:
        return self._texts(phrase.render(self._facts).fact_ids)

    def _texts(self, fact_ids: Sequence[str]) -> set[str]:
        told = (self._facts[fact_id] for fact_id in fact_ids if fact_id not in _MAY_RECUR)
        return {fact.text for fact in told if fact.unit is not Unit.WORD}

    def _spoken(self, section: str) -> list[Sentence]:
        options = self._tellable(section)
        if not options:
            return []
        return [choose(options, seed=self._seed, occasion=section).render(self._facts)]

    def _notes(self) -> list[Sentence]:
        themes = {signal.theme for signal in self._signals}
        heard = bool(themes & {Theme.MOOD, Theme.SOUND, Theme.VOICES})
        timed = Theme.HOURS in themes
        method = {(True, True): "method_full", (True, False): "method_sound", (False, True): "method_hours"}
        return [*self._thin_evidence(), *self._spoken(method.get((heard, timed), ""))]

    def _thin_evidence(self) -> list[Sentence]:
        thin = [signal for signal in self._brief.signals if signal.theme is Theme.EVIDENCE]
        return [
            Sentence(text=sentence.text, fact_ids=sentence.fact_ids or signal.fact_ids)
            for signal in thin
            for sentence in self._spoken(signal.kind)
        ]

    def _closing(self, lead: Signal) -> Sentence:
        options = self._tellable(f"closing_{lead.kind}") or self._tellable(f"closing_{lead.theme}")
        phrase = choose(options, seed=self._seed, occasion="closing")
        return self._tell(phrase, lead)

    def _headline(self, lead: Signal) -> Sentence:
        headlines = [h for h in self._book[lead.kind].headlines if self._facts.keys() >= set(h.required)]
        sentence = choose(headlines, seed=self._seed, occasion="headline").render(self._facts)
        return Sentence(text=sentence.text, fact_ids=sentence.fact_ids or lead.fact_ids)

    def _highlights(self) -> list[Sentence]:
        lines: dict[Theme, Sentence] = {}
        for signal in self._signals:
            options = highlights()[signal.kind].passages if signal.kind in highlights() else ()
            known = [phrase for phrase in options if self._facts.keys() >= set(phrase.required)]
            if known and signal.theme not in lines:
                lines[signal.theme] = known[0].render(self._facts)
        return list(lines.values())[:_HIGHLIGHTS]

    def _nothing(self) -> Narrative:
        headline = choose(self._book["nothing"].headlines, seed=self._seed, occasion="headline")
        # What cites only the period says that something is missing, as the first paragraph does.
        notes = [note for note in self._thin_evidence() if note.fact_ids != ("time_range",)]
        first = Paragraph.of(self._spoken("nothing"))
        return Narrative.of(
            self._brief,
            headline=Sentence(text=headline.render(self._facts).text, fact_ids=("time_range",)),
            paragraphs=[first, Paragraph.of(notes)] if notes else [first],
            highlights=[],
        )
