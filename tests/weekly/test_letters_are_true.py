"""A letter says nothing that an honest count of the same plays does not give."""

import cmath
import math
import re
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from arbitrary_snapshots import NAMES
from invented_weeks import WEEK, Heard, a_week, letter
from spotify_insights.insights.evidence.week import MIN_PLAYS
from spotify_insights.insights.grounding import ungrounded
from spotify_insights.insights.names import safe_name
from spotify_insights.insights.types import ToneMode

ARTISTS = st.sampled_from(["Low", "Air", "Can", "The 1975", "Mara Ellery", "50 Cent", "“Quoted”"])
PLAYS = st.builds(
    Heard,
    artists=st.lists(ARTISTS, min_size=1, max_size=2, unique=True).map(tuple),
    title=st.sampled_from(["One", "7 Seconds", "Three"]),
    day=st.integers(0, 6),
    hour=st.integers(0, 23),
)
EARLIER = st.builds(
    Heard, artists=st.tuples(ARTISTS), title=st.just("Old"), day=st.integers(-120, -1), hour=st.just(7)
)
PARTS = {"late": (23, 5), "morning": (5, 9), "daytime": (9, 17), "evening": (17, 23)}


def counted(heard: Sequence[Heard], earlier: Sequence[Heard]) -> dict[str, str]:
    """What could be said about the plays, counted here without any of our own code but the safe names."""
    plays = len(heard)
    by_day = Counter(play.day for play in heard)
    found = {
        "time_range": "the week",
        "first_day": "15 November",
        "last_day": "21 November",
        "plays": str(plays),
        "days": str(len(by_day)),
        "tracks_played": str(len({(play.artists, play.title) for play in heard})),
        "plays_before": str(sum(play.day >= -7 for play in earlier)),
        "days_before": str(len({play.day for play in earlier if play.day >= -7})),
        "plays_change": str(abs(plays - sum(play.day >= -7 for play in earlier))),
        "history_days": str(-min((play.day for play in earlier), default=0)),
    }
    for part, (start, end) in PARTS.items():
        hours = {hour % 24 for hour in range(start, end if end > start else end + 24)}
        found |= {
            f"{part}_share": _percent(sum(play.hour in hours for play in heard) / plays),
            f"{part}_from": f"{start:02d}:00",
            f"{part}_to": f"{end:02d}:00",
        }
    fullest = max(by_day, key=lambda day: by_day[day])
    vector = sum(cmath.exp(2j * math.pi * play.hour / 24) for play in heard)
    weekday = (WEEK.begins_on + timedelta(days=fullest)).strftime("%A")
    artist_plays = max(Counter(artist for play in heard for artist in play.artists).values())
    track_plays = max(Counter((play.artists, play.title) for play in heard).values())
    return found | {
        "lead_artist_plays": str(artist_plays),
        "lead_artist_share": _percent(artist_plays / plays),
        "track_1_plays": str(track_plays),
        "track_1_share": _percent(track_plays / plays),
        "repeat_plays": str(track_plays),
        "coverage_share": "0%",
        "tracks_measured": "0",
        "tracks_considered": found["tracks_played"],
        "hour_concentration": str(math.floor(round(abs(vector) / plays, 4) * 100 + 0.5)),
        "busiest_day": weekday,
        "busiest_day_plays": str(by_day[fullest]),
        "busiest_day_share": _percent(by_day[fullest] / plays),
    }


def _percent(part: float) -> str:
    rounded = round(part, 4)
    if 0 < rounded < 0.005:
        return "under 1%"
    if 0.995 <= rounded < 1:
        return "over 99%"
    return f"{math.floor(rounded * 100 + 0.5)}%"


@settings(max_examples=60)
@given(
    heard=st.lists(PLAYS, min_size=MIN_PLAYS, max_size=90),
    earlier=st.lists(EARLIER, max_size=60),
    seed=st.text(max_size=4),
)
def test_every_fact_of_a_letter_is_traced_to_the_plays(
    heard: list[Heard], earlier: list[Heard], seed: str
) -> None:
    snapshot = a_week(heard, earlier=earlier)
    for tone in ToneMode:
        narrative, brief = letter(snapshot, tone, seed=seed)
        assert ungrounded(narrative, brief) == []
        cited = {fact.id: fact.text for fact in narrative.facts}
        assert {"first_day", "last_day", "plays", "days"} <= cited.keys()
        _assert_traced(cited, heard, earlier)


def _assert_traced(cited: dict[str, str], heard: list[Heard], earlier: list[Heard]) -> None:
    honest = counted(heard, earlier)
    named = re.compile(r"artist_\d|lead_artist|track_1(_artist)?|(new|comeback)_\w+")
    figures = {fact_id: text for fact_id, text in cited.items() if not named.fullmatch(fact_id)}
    assert figures == {fact_id: honest[fact_id] for fact_id in figures}
    _assert_names_traced(cited, heard)
    _assert_acquaintances_traced(cited, heard, earlier)


def _assert_names_traced(cited: dict[str, str], heard: list[Heard]) -> None:
    artists = Counter(safe_name(artist) for play in heard for artist in play.artists)
    for fact_id in cited.keys() & {"artist_1", "artist_2", "artist_3"}:
        assert artists[cited[fact_id]] >= 3
    if "lead_artist" in cited:
        assert [name for name in artists if artists[name] == max(artists.values())] == [cited["lead_artist"]]
    if "track_1" in cited:
        tracks = Counter((play.artists, play.title) for play in heard)
        [(credited, title)] = [track for track in tracks if tracks[track] == max(tracks.values())]
        assert cited["track_1"] == title
        assert cited.get("track_1_artist") in {None, safe_name(credited[0])}


def _assert_acquaintances_traced(cited: dict[str, str], heard: list[Heard], earlier: list[Heard]) -> None:
    artists = Counter(safe_name(artist) for play in heard for artist in play.artists)
    last_day: dict[str, int] = {}
    for play in sorted(earlier, key=lambda play: play.day):
        last_day |= {safe_name(artist): play.day for artist in play.artists}
    if "new_artist" in cited:
        assert cited["new_artist"] not in last_day
        assert cited["new_artist_plays"] == str(artists[cited["new_artist"]])
    if "comeback_artist" in cited:
        assert int(cited["comeback_days"]) == -last_day[cited["comeback_artist"]] >= 28
        assert cited["comeback_plays"] == str(artists[cited["comeback_artist"]])


@settings(max_examples=40)
@given(
    heard=st.lists(
        st.builds(
            Heard,
            artists=st.lists(NAMES, max_size=2, unique=True).map(tuple),
            title=NAMES,
            day=st.integers(0, 6),
            hour=st.integers(0, 23),
        ),
        max_size=40,
    )
)
def test_any_names_and_any_amount_make_a_grounded_letter(heard: list[Heard]) -> None:
    snapshot = a_week([play for play in heard for _ in range(3)])
    for tone in ToneMode:
        narrative, brief = letter(snapshot, tone)
        assert ungrounded(narrative, brief) == []
