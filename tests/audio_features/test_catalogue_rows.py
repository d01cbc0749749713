"""Whatever stands in somebody's table, its rows are believed or refused; nothing else happens."""

import math
import re
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spotify_insights.audio_features.catalogue_rows import believed

TRACK = "0" * 22
NUMBER_LIKE = st.one_of(
    st.text("0123456789.eE+-_ ,xinfa", max_size=8), st.floats().map(repr), st.integers().map(str)
)


def test_an_id_is_found_in_every_form_in_which_spotify_gives_it() -> None:
    forms = [
        TRACK,
        f"spotify:track:{TRACK}",
        f"https://open.spotify.com/intl-de/track/{TRACK}?si=x",
        f" {TRACK}",
    ]

    rows = believed(pa.array(forms), {"energy": pa.array([0.5] * len(forms))}).rows

    assert rows.column("spotify_id").to_pylist() == [TRACK] * len(forms)


@pytest.mark.parametrize(
    "kind", [pa.string(), pa.large_string(), pa.string_view(), pa.binary(), pa.large_binary()], ids=str
)
def test_texts_are_read_in_every_form_in_which_programs_store_them(kind: Any) -> None:
    rows = believed(pa.array([TRACK]).cast(kind), {"energy": pa.array(["0.5"]).cast(kind)}).rows

    assert rows.to_pylist()[0].items() >= {"spotify_id": TRACK, "energy": 0.5}.items()


@given(st.lists(st.one_of(st.none(), NUMBER_LIKE, st.text(max_size=6)), max_size=6))
def test_every_text_is_a_number_or_nothing_or_refused_whoever_stands_beside_it(
    texts: list[str | None],
) -> None:
    portion = believed(pa.array([TRACK] * len(texts), pa.string()), {"valence": pa.array(texts, pa.string())})

    assert portion.read == len(texts) == len(portion.rows) + sum(portion.refused.values())
    alone = [
        believed(pa.array([TRACK]), {"valence": pa.array([text], pa.string())}).refused for text in texts
    ]
    for reason in ("not_a_number", "out_of_range", "no_features"):
        assert portion.refused.get(reason, 0) == sum(refused.get(reason, 0) for refused in alone)


@given(st.floats(width=32))
def test_a_number_is_believed_where_it_can_be_one(number: float) -> None:
    portion = believed(
        pa.array([TRACK] * 3),
        {"energy": pa.array([number] * 3), "tempo": pa.array([100.0] * 3), "loudness": pa.array([None] * 3)},
    )

    if math.isnan(number) or 0 <= number <= 1:
        assert portion.refused == {}
        [energy, *_] = portion.rows.column("energy").to_pylist()
        assert energy is None if math.isnan(number) else energy == number
    else:
        assert portion.refused == {"out_of_range": 3}


@given(st.text(max_size=40))
def test_what_is_no_id_is_refused(text: str) -> None:
    refused = believed(pa.array([text]), {"energy": pa.array([0.5])}).refused

    inside = re.search(r"[0-9A-Za-z]{22}", text)
    assert (refused == {"bad_id": 1}) or inside is not None
