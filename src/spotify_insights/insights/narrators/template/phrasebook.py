"""The phrasebook: what the template narrator can say, one text file per type of insight and tone.

A file is prose with three marks. `[kind]` opens the section for a kind of signal or a part of the
narrative. A line that starts with `= ` is a headline. Everything else is a passage; a blank line ends
it. Lines may be wrapped anywhere. Placeholders are described in `phrase.py`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final

from spotify_insights.insights.narrators.template.phrase import Phrase
from spotify_insights.insights.types import InsightType, ToneMode

_SECTION: Final = re.compile(r"^\[([a-z_0-9]+)\]$", re.MULTILINE)


@dataclass(frozen=True)
class Section:
    headlines: tuple[Phrase, ...] = ()
    passages: tuple[Phrase, ...] = ()


Phrasebook = Mapping[str, Section]


@cache
def phrasebook(insight_type: InsightType, tone: ToneMode) -> Phrasebook:
    """The sections of one type in one tone, by name; read from the package once per process."""
    return _read(f"{insight_type.value}/{tone.value}.txt")


@cache
def highlights() -> Phrasebook:
    """One stand-alone line per kind of signal, the same in every tone."""
    return _read("highlights.txt")


def parse_phrasebook(text: str) -> Phrasebook:
    """Read the sections of a phrasebook. Raises ValueError for a section that is there twice."""
    _, *pieces = _SECTION.split(text)
    sections: dict[str, Section] = {}
    for name, body in zip(pieces[::2], pieces[1::2], strict=True):
        if name in sections:
            raise ValueError(f"The phrasebook has two sections [{name}]; join them.")
        sections[name] = _parse_section(body)
    return sections


def _parse_section(body: str) -> Section:
    lines = body.strip().splitlines()
    headlines = tuple(Phrase(line[2:].strip()) for line in lines if line.startswith("= "))
    prose = "\n".join("" if line.startswith("= ") else line.strip() for line in lines)
    blocks = (" ".join(block.split()) for block in prose.split("\n\n"))
    return Section(headlines=headlines, passages=tuple(Phrase(block) for block in blocks if block))


def _read(name: str) -> Phrasebook:
    folder = resources.files("spotify_insights.insights.narrators.template") / "phrases"
    return parse_phrasebook(folder.joinpath(name).read_text(encoding="utf-8"))
