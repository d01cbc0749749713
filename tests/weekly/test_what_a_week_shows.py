"""What a week's letter takes notice of, and how much evidence it asks for."""

from collections.abc import Callable, Iterable
from typing import Any

import pytest

from invented_weeks import Heard, a_week, kinds, letter, told
from spotify_insights.audio_features.values import AudioFeatures
from spotify_insights.insights.types import ToneMode
from spotify_insights.listening.snapshot import Snapshot
from spotify_insights.listening.take_snapshot import SuppliedFeatures


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
        f"{play.artists}/{play.title}": SuppliedFeatures.from_one(
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
