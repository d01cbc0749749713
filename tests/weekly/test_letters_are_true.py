"""A letter says nothing that an honest count of the same plays does not give."""

import cmath
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arbitrary_snapshots import NAMES
from invented_weeks import WEEK, Heard, a_week
from spotify_insights.audio_features.values import AudioFeatures
from spotify_insights.insights.brief import Brief, compose_brief
from spotify_insights.insights.evidence.week import MIN_PLAYS
from spotify_insights.insights.grounding import ungrounded
from spotify_insights.insights.names import safe_name
from spotify_insights.insights.narrators.narrative import Narrative
from spotify_insights.insights.narrators.template import TemplateNarrator
from spotify_insights.insights.types import InsightType, ToneMode
from spotify_insights.listening.snapshot import Snapshot
from spotify_insights.listening.take_snapshot import SuppliedFeatures

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


def letter(snapshot: Snapshot, tone: ToneMode, *, seed: str = "seed") -> tuple[Narrative, Brief]:
    brief = compose_brief(snapshot, InsightType.WEEKLY)
    return TemplateNarrator().narrate(brief, tone=tone, seed=seed), brief


def kinds(snapshot: Snapshot) -> set[str]:
    return {signal.kind for signal in compose_brief(snapshot, InsightType.WEEKLY).signals}


def told(snapshot: Snapshot) -> dict[str, str]:
    """The text of each fact by its id."""
    return {fact.id: fact.text for fact in compose_brief(snapshot, InsightType.WEEKLY).facts}


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


def _some(plays: int, *, days: Iterable[int], artist: str | None = None, title: str = "Song") -> list[Heard]:
    """So many plays, dealt out to the days; of an artist each, unless one is named."""
    given_days = list(days)
    return [
        Heard(
            (artist or f"Artist {number}",),
            f"{title} {number}",
            given_days[number % len(given_days)],
            12 + number % 3,
        )
        for number in range(plays)
    ]


LONG_AGO = [Heard(("Somebody",), "Old", -200, 9)]
WEEK_BEFORE = range(-7, 0)


@pytest.mark.parametrize(
    ("plays", "before", "kind"),
    [
        (50, 40, "busier"),
        (40, 50, "quieter"),
        (49, 40, None),
        (44, 40, "steady"),
        (45, 40, None),
        (40, 40, "steady"),
        (36, 40, "steady"),
        (12, 9, "steady"),
        (19, 10, None),
        (20, 10, "busier"),
        (30, 0, "after_silence"),
    ],
)
def test_the_amount_is_compared_with_the_week_before(plays: int, before: int, kind: str | None) -> None:
    earlier = [*LONG_AGO, *_some(before, days=WEEK_BEFORE, title="Before")]
    snapshot = a_week(_some(plays, days=range(7)), earlier=earlier)

    assert kinds(snapshot) & {"busier", "quieter", "steady", "after_silence", "no_comparison"} == (
        {kind} if kind else set()
    )
    assert (told(snapshot)["plays_before"], told(snapshot)["plays_change"]) == (
        str(before),
        str(abs(plays - before)),
    )


@pytest.mark.parametrize(("first_play", "compared"), [(-8, True), (-7, False), (-3, False), (None, False)])
def test_a_week_is_not_compared_with_one_that_the_history_begins_in(
    first_play: int | None, *, compared: bool
) -> None:
    earlier = [] if first_play is None else _some(30, days=range(first_play, 0))
    snapshot = a_week(_some(60, days=range(7)), earlier=earlier)
    assert ("plays_before" in told(snapshot)) == compared
    assert ("no_comparison" in kinds(snapshot)) != compared


def _met(last_before: int | None, *, plays: int = 5, history: int = -200) -> Snapshot:
    """A week with "Robin", last played on that day before it, among many artists known from long ago."""
    heard = [*_some(30, days=range(7)), *_some(plays, days=range(7), artist="Robin", title="Robin's")]
    earlier = _some(30, days=[history])
    if last_before is not None:
        earlier += _some(1, days=[last_before], artist="Robin")
    return a_week(heard, earlier=earlier)


@pytest.mark.parametrize(
    ("snapshot", "kind"),
    [
        (_met(None), "new_favourite"),
        (_met(None, plays=4), None),
        (_met(None, history=-28), "new_favourite"),
        (_met(None, history=-27), None),
        (_met(-28), "comeback"),
        (_met(-27), None),
        (_met(-1), None),
        (_met(-60, plays=4), None),
    ],
)
def test_somebody_is_new_or_back_only_on_good_evidence(snapshot: Snapshot, kind: str | None) -> None:
    assert kinds(snapshot) & {"new_favourite", "comeback"} == ({kind} if kind else set())
    if kind == "comeback":
        assert (told(snapshot)["comeback_artist"], told(snapshot)["comeback_days"]) == ("Robin", "28")


@pytest.mark.parametrize(
    ("days", "kind"), [(range(7), "every_day"), (range(6), None), (range(3), None), (range(2), "few_days")]
)
def test_days_are_remarked_on_when_all_or_hardly_any_had_music(days: range, kind: str | None) -> None:
    assert kinds(a_week(_some(21, days=days))) & {"every_day", "few_days"} == ({kind} if kind else set())


def test_nobody_leads_who_shares_the_first_place() -> None:
    tied = [
        *_some(6, days=range(6), artist="Low", title="A"),
        *_some(6, days=range(6), artist="Air", title="B"),
    ]
    snapshot = a_week(tied)
    assert not {"lead_artist", "track_1", "busiest_day"} & told(snapshot).keys()
    assert {told(snapshot)["artist_1"], told(snapshot)["artist_2"]} == {"Low", "Air"}

    ahead = a_week([*tied, Heard(("Low",), "A 0", 1, 9)])
    assert (told(ahead)["lead_artist"], told(ahead)["lead_artist_plays"]) == ("Low", "7")


@pytest.mark.parametrize(("plays", "second", "kind"), [(8, 4, "on_repeat"), (8, 5, "track_of_the_week")])
def test_a_song_is_on_repeat_only_far_ahead_of_the_next(plays: int, second: int, kind: str) -> None:
    heard = [Heard(("Low",), "First", day % 7, 9) for day in range(plays)]
    heard += [Heard(("Air",), "Second", day % 7, 15) for day in range(second)]
    snapshot = a_week(heard)
    assert kind in kinds(snapshot)
    assert (told(snapshot)["track_1"], told(snapshot)["track_1_plays"]) == ("First", str(plays))


def test_moods_are_told_where_enough_of_the_music_is_measured() -> None:
    heard = _some(40, days=range(7))
    measured = {
        f"{play.artists}/{play.title}": SuppliedFeatures(
            features=AudioFeatures(valence=0.05, energy=0.05 if number % 4 else 0.95), provider="reccobeats"
        )
        for number, play in enumerate(heard)
    }
    facts = told(a_week(heard, features=measured))
    # Three in four are near the wistful corner, where s(4.5) = 0.989 is the membership on either axis:
    # 0.75 * 0.989 * 0.989, and of those at the intense corner 0.25 * 0.989 * 0.011.
    assert (facts["mood_1"], facts["mood_1_share"]) == ("wistful", "74%")
    some = dict(list(measured.items())[:9])
    snapshot = a_week(heard, features=some)
    assert "sound_thin" in kinds(snapshot)
    for tone in ToneMode:
        content = letter(snapshot, tone)[0].content
        assert "9 of 40 tracks" in content
        assert "wistful" not in content


@pytest.mark.parametrize("tone", ToneMode)
def test_a_letter_reads_from_the_amount_to_a_closing(tone: ToneMode) -> None:
    heard = [*_some(30, days=range(7)), *_some(12, days=[2, 3], artist="Robin", title="Robin's")]
    earlier = [*_some(60, days=range(-180, -30)), *_some(20, days=WEEK_BEFORE, title="Before")]
    narrative, _ = letter(a_week(heard, earlier=earlier), tone)
    first = narrative.paragraphs[0].text
    assert all(words in first for words in ("15 November", "21 November", "42 plays", "7 days"))
    assert "Robin" in narrative.content
    assert "20" in narrative.content
    assert 3 <= len(narrative.paragraphs) <= 5
    assert narrative.highlights


@pytest.mark.parametrize("change", [lambda play: Heard(play.artists, play.title, play.day, 3), None])
def test_other_plays_make_another_letter(change: Callable[[Heard], Heard] | None) -> None:
    """The guard of the property above: it would hold of a letter that never changes."""
    heard = _some(40, days=range(7))
    other: Any = [change(play) for play in heard] if change else heard[:-1]
    for tone in ToneMode:
        assert letter(a_week(heard), tone)[0].content != letter(a_week(other), tone)[0].content
