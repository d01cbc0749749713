import json
import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spotify_insights.insights.fact import (
    Fact,
    Unit,
    beats_per_minute,
    clock_hour,
    count,
    margin,
    points,
    share,
    tenths,
    wording,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.4137, "41%"), (0.0, "0%"), (1.0, "100%"), (0.004, "under 1%"), (0.996, "over 99%"), (0.125, "13%")],
)
def test_a_share_reads_in_whole_percent(value: float, text: str) -> None:
    assert share("late_share", value).text == text


@given(value=st.floats(0.005, 0.9949))
def test_a_share_is_never_more_than_half_a_percent_off(value: float) -> None:
    written = Fraction(share("late_share", value).text.rstrip("%"))
    # The value is kept to four decimals, which may move it by half of the last.
    assert abs(written - Fraction(value) * 100) <= Fraction("0.505")


@given(value=st.floats(0, 1))
def test_nothing_and_everything_are_written_only_where_they_are_true(value: float) -> None:
    fact = share("late_share", value)
    assert (fact.text == "0%") == (fact.value == 0)
    assert (fact.text == "100%") == (fact.value == 1)


@pytest.mark.parametrize(
    ("hour", "text"), [(23.4, "23:00"), (23.6, "00:00"), (0.0, "00:00"), (24.0, "00:00"), (9.0, "09:00")]
)
def test_an_hour_reads_as_the_nearest_full_one(hour: float, text: str) -> None:
    assert clock_hour("mean_hour", hour).text == text


def test_counts_points_tempo_and_tenths_read_as_people_write_them() -> None:
    assert count("plays", 1204, Unit.PLAYS).text == "1,204"
    assert count("tracks_listed", 50, Unit.TRACKS).text == "50"
    assert points("energy", 0.714).text == "71"
    assert beats_per_minute("tempo", 117.6).text == "118"
    assert tenths("effective_moods", 2.71, Unit.MOODS).text == "2.7"
    assert wording("busiest_day", "Sunday", Unit.WEEKDAY).text == "Sunday"


@given(value=st.floats(0.0001, 1))
def test_a_margin_is_never_understated(value: float) -> None:
    fact = margin("energy_margin", value)
    assert int(fact.text) >= round(value, 4) * 100 - 1e-9
    assert int(fact.text) >= 1


@given(value=st.floats(-1, 2))
def test_a_fact_survives_json_unchanged(value: float) -> None:
    for fact in (share("a", value), points("b", value), tenths("c", value, Unit.MOODS)):
        document = fact.model_dump_json()
        assert Fact.model_validate_json(document) == fact
        assert json.dumps(json.loads(document)) == json.dumps(json.loads(fact.model_copy().model_dump_json()))


def test_minus_zero_is_zero() -> None:
    value = share("late_share", -0.0).value
    assert isinstance(value, float)
    assert math.copysign(1, value) == 1
