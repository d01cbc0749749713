"""From columns as a file has them to rows that can be believed; what cannot is counted by reason."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from spotify_insights.audio_features.catalogue_columns import CatalogueFileError
from spotify_insights.audio_features.values import FEATURE_NAMES, LIMITS, NO_BEAT

REASONS: Final = ("unreadable", "bad_id", "not_a_number", "out_of_range", "no_features")
"""Why a row is refused, each row for the first that fits: its number of fields is wrong, its id is none of
Spotify's, a value is no number, a value cannot be, none is known."""

# As an id, a URI or an address.
_SPOTIFY_ID: Final = (
    r"^\s*(?:spotify:track:|https?://open\.spotify\.com/(?:[a-z-]+/)?track/)?"
    r"(?P<id>[0-9A-Za-z]{22})(?:\?\S*)?\s*$"
)
_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?|[+-]?inf(?:inity)?")
_UNKNOWN: Final = frozenset(["", "-", "na", "n/a", "#n/a", "nan", "null", "none"])
_LIKE_TEXT: Final = (
    *(pa.types.is_null, pa.types.is_string_view),
    *(pa.types.is_binary, pa.types.is_large_binary, pa.types.is_binary_view),
)
_LOW: Final = np.array([LIMITS[name][0] for name in FEATURE_NAMES])
_HIGH: Final = np.array([LIMITS[name][1] for name in FEATURE_NAMES])
_TEMPO: Final = FEATURE_NAMES.index("tempo")


@dataclass(frozen=True)
class Portion:
    """A part of a catalogue.

    Attributes:
        rows: `spotify_id`, and the nine features as 32-bit floats, null where the file does not know them.
        read: how many rows of the file that was, the refused ones included.
        refused: how many of them by reason.
        done: how far in the file this portion ends, in [0, 1].
    """

    rows: pa.RecordBatch
    read: int
    refused: Mapping[str, int]
    done: float


def believed(
    ids: pa.Array, told: Mapping[str, pa.Array], *, unreadable: int = 0, done: float = 1.0
) -> Portion:
    """The rows that can be believed. A tempo of 0 is how Spotify says that it found none.

    Args:
        ids: texts.
        told: by feature, numbers or texts, as many as `ids`.
        unreadable: rows of the file before these that are missing here.

    Raises:
        CatalogueFileError: a column holds neither numbers nor texts.
    """
    spotify_ids = pc.struct_field(pc.extract_regex(_text("id", ids), _SPOTIFY_ID), "id")
    values = np.full((len(ids), len(FEATURE_NAMES)), np.nan)
    is_number = np.ones(len(ids), dtype=np.bool_)
    for name, column in told.items():
        numbers, good = _numbers(name, column)
        values[:, FEATURE_NAMES.index(name)] = numbers
        is_number &= good
    values[:, _TEMPO][values[:, _TEMPO] == NO_BEAT] = np.nan
    # A comparison with NaN is false: what is unknown is not out of range.
    refused = {
        "bad_id": pc.is_null(spotify_ids).to_numpy(zero_copy_only=False),
        "not_a_number": ~is_number,
        "out_of_range": ((values < _LOW) | (values > _HIGH)).any(axis=1),
        "no_features": np.isnan(values).all(axis=1),
    }
    counts = {"unreadable": unreadable}
    kept = np.ones(len(ids), dtype=np.bool_)
    for reason, found in refused.items():
        counts[reason] = int((kept & found).sum())
        kept &= ~found
    columns = [pa.array(column, from_pandas=True) for column in values[kept].astype(np.float32).T]
    return Portion(
        rows=pa.RecordBatch.from_arrays(
            [spotify_ids.filter(pa.array(kept)), *columns], names=["spotify_id", *FEATURE_NAMES]
        ),
        read=len(ids) + unreadable,
        refused={reason: number for reason, number in counts.items() if number},
        done=done,
    )


def _text(name: str, column: pa.Array) -> pa.Array:
    plain = column.dictionary_decode() if pa.types.is_dictionary(column.type) else column
    if pa.types.is_string(plain.type) or pa.types.is_large_string(plain.type):
        return plain
    # Some programs store texts as bytes, or in a form of their own.
    if any(is_alike(plain.type) for is_alike in _LIKE_TEXT):
        return plain.cast(pa.string())
    raise CatalogueFileError(
        f"The column {name} of this file holds {plain.type} where a text is needed. Nothing was stored."
    )


def _numbers(name: str, column: pa.Array) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """The values, NaN where there is none, and where what stands there is a number or nothing."""
    kind = column.type
    if pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_decimal(kind):
        return _as_numpy(column.cast(pa.float64(), safe=False)), np.ones(len(column), dtype=np.bool_)
    return _parsed(_text(name, column))


def _parsed(texts: pa.Array) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    try:
        return _as_numpy(texts.cast(pa.float64())), np.ones(len(texts), dtype=np.bool_)
    except pa.ArrowInvalid:
        # One text that is no number fails the whole column, so they are looked at one by one.
        numbers = [_number(text) for text in texts.to_pylist()]
    good = np.array([number is not None for number in numbers], dtype=np.bool_)
    return np.array([math.nan if number is None else number for number in numbers]), good


def _number(text: str | None) -> float | None:
    """The number, NaN where nothing stands there, None where something else does."""
    trimmed = (text or "").strip().lower()
    if trimmed in _UNKNOWN:
        return math.nan
    return float(trimmed) if _NUMBER.fullmatch(trimmed) else None


def _as_numpy(column: Any) -> NDArray[np.float64]:
    numbers: NDArray[np.float64] = column.to_numpy(zero_copy_only=False)
    return numbers
