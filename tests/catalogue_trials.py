"""Catalogues for an operator to load, and what tracks have of them."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from feature_trials import known
from operator_trials import Answer, Operator
from spotify_insights.audio_features.values import FEATURE_NAMES
from spotify_insights.runtime import Runtime

A, B, C, D = ("A" * 22, "B" * 22, "C" * 22, "D" * 22)
HEADER = (
    "id,danceability,energy,valence,acousticness,instrumentalness,liveness,speechiness,tempo,loudness,year"
)
FULL = {
    A: (0.5, 0.25, 0.75, 0.125, 0.0, 0.0625, 1.0, 120.5, -8.25),
    B: (0.25, 0.5, 0.125, 0.5, 1.0, 0.5, 0.0, 60.0, -60.0),
}


def line(track_id: str, values: tuple[float, ...]) -> str:
    return f"{track_id},{','.join(map(str, values))},1999"


def table(*lines: str) -> str:
    return "\n".join([HEADER, *lines, ""])


SMALL = table(*(line(track_id, values) for track_id, values in FULL.items()))


def loaded(operator: Operator, content: str | bytes, *words: str, name: str = "set.csv") -> Answer:
    (operator.folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return operator.type("catalogue", "load", name, *words)


def receipt(operator: Operator, content: str | bytes, *words: str, name: str = "set.csv") -> dict[str, Any]:
    answer = loaded(operator, content, "--json", *words, name=name)
    assert (answer.code, answer.err) == (0, "")
    document: dict[str, Any] = answer.document
    return document


def told(runtime: Runtime, *track_ids: str) -> dict[str, tuple[float | None, ...]]:
    return {
        track_id: tuple(getattr(supplied.features, name) for name in FEATURE_NAMES)
        for track_id, supplied in known(runtime.database, track_ids).found.items()
    }


def as_parquet(content: str, path: Path) -> bytes:
    pq.write_table(pa_csv.read_csv(pa.BufferReader(content.encode())), path)
    return path.read_bytes()
