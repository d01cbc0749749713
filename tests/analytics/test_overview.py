"""One period at a glance, and two against each other."""

from datetime import date, timedelta

import pytest
from hypothesis import given

from small_histories import MINUTE, Row, Song, a_history, all_time, days, small_histories, utc
from spotify_insights.audio_features.values import FEATURE_NAMES
from spotify_insights.listening.analytics.compare import Basis, Change, RankedArtist, RankMove, compare
from spotify_insights.listening.analytics.evidence import Missing
from spotify_insights.listening.analytics.overview import PlayMoment, overview
from spotify_insights.listening.analytics.play_rule import Counting, PlayRule
from spotify_insights.listening.analytics.trend import Trend, trends


def test_an_overview_by_hand() -> None:
    songs = [Song(artist=1, album=1), Song(artist=1, album=2, duration=None), Song(artist=None, album=None)]
    rows = [
        Row(utc("2026-01-01T10:00"), 0, ms=3 * MINUTE, to_end=True),
        Row(utc("2026-01-01T10:01"), 1, ms=5_000, skipped=True),
        Row(utc("2026-01-01T12:00"), 1, ms=1 * MINUTE, skipped=True),
        Row(utc("2026-01-03T12:00"), 2, ms=1 * MINUTE),
        Row(utc("2026-01-03T12:30"), 1, ms=2 * MINUTE),
        Row(utc("2026-01-03T13:00"), 2, private=True),
    ]
    shown = overview(a_history(rows, songs), all_time(now="2026-01-04T12:00"))
    figures = shown.figures
    assert (figures.rows, figures.plays, figures.too_short, figures.skips) == (5, 4, 1, 2)
    assert (figures.ms_listened, figures.plays_with_ms) == (7 * MINUTE, 4)
    assert (figures.tracks, figures.artists, figures.albums) == (3, 1, 2)
    assert (figures.days, figures.active_days, figures.share_of_days) == (4, 2, 0.5)
    assert (figures.plays_per_active_day, figures.ms_per_active_day) == (2, 3.5 * MINUTE)
    # Of five rows two were skipped and one was played to its end.
    assert figures.skip_rate == pytest.approx(2 / 3)
    assert figures.skip_rate_n == 3
    # Of four plays one is complete, one was skipped, one is shorter than its track; of one nothing is known.
    assert figures.completion_rate == pytest.approx(1 / 3)
    assert figures.completion_rate_n == 3
    assert shown.first_play == PlayMoment(100, utc("2026-01-01T10:00"))
    assert shown.last_play == PlayMoment(101, utc("2026-01-03T12:30"))
    assert shown.profile.missing == Missing.LOW_COVERAGE


def test_a_day_that_was_left_out_is_no_day_without_music() -> None:
    # Noon in Apia on 29 and 31 December 2011; the 30th never was.
    history = a_history([Row(utc("2011-12-29T22:00")), Row(utc("2011-12-30T22:00"))])
    seen = overview(history, days("2011-12-29", "2012-01-01", "Pacific/Apia")).figures
    assert (seen.days, seen.active_days, seen.share_of_days) == (3, 2, 2 / 3)


def test_the_length_of_a_track_is_never_a_time() -> None:
    shown = overview(a_history([Row(utc("2026-01-01T10:00"), ms=None)]), all_time())
    assert (shown.figures.ms_listened, shown.figures.plays_with_ms) == (0, 0)
    assert shown.figures.ms_per_active_day is None
    assert shown.figures.completion_rate is shown.figures.skip_rate is None


def placed(valence: float, count: int, artist: int = 1) -> list[Song]:
    return [Song(artist=artist, features={"valence": valence, "energy": 0.5})] * count


def played(day: str, tracks: range | list[int]) -> list[Row]:
    return [Row(utc(f"{day}T10:00") + timedelta(minutes=index), track) for index, track in enumerate(tracks)]


def test_a_comparison_by_hand() -> None:
    songs = placed(0.25, 10, artist=1) + placed(0.75, 10, artist=2) + placed(0.5, 1, artist=3)
    rows = played("2026-01-01", [*range(10), 10, 20, 20]) + played("2026-01-02", [*range(10, 20), 0, 10])
    shown = compare(a_history(rows, songs), days("2026-01-02", "2026-01-02"))
    changes = {change.name: change for change in shown.changes}
    assert changes["plays"] == Change("plays", 12, 13, -1, 12 / 13)
    assert changes["artists"] == Change("artists", 2, 3, -1, 2 / 3)
    assert changes["skip_rate"] == Change("skip_rate", None, None, None, None)
    # Before: artist 1 ten times, 3 twice, 2 once. Now: 2 eleven times, 1 once.
    assert shown.moved == (RankMove(2, 1, 3, 2), RankMove(1, 2, 1, -1))
    assert shown.new == ()
    assert shown.dropped == (RankedArtist(3, 2, 2),)
    assert shown.basis == Basis.ALL_KNOWN
    valence = next(each for each in shown.features if each.name == "valence")
    # The mean now is (11 * 0.75 + 0.25) / 12, before (10 * 0.25 + 0.75 + 2 * 0.5) / 13.
    assert valence.difference == pytest.approx(8.5 / 12 - 4.25 / 13)
    assert valence.stands_out
    tempo = next(each for each in shown.features if each.name == "tempo")
    assert (tempo.difference, tempo.missing) == (None, Missing.LOW_COVERAGE)


def test_what_is_newly_known_is_no_change_of_mood() -> None:
    # The same ten dark and ten unknown tracks before; now ten bright ones beside them, all known.
    songs = placed(0.1, 10) + [Song()] * 10 + placed(0.9, 10)
    rows = played("2026-01-01", range(20)) + played("2026-01-02", [*range(10), *range(20, 30)])
    shown = compare(a_history(rows, songs), days("2026-01-02", "2026-01-02"))
    assert shown.coverage_before is not None
    assert (shown.coverage.share, shown.coverage_before.share) == (1, 0.5)
    # Only what was heard on both days is compared, and that did not change.
    assert shown.basis == Basis.HEARD_IN_BOTH
    valence = next(each for each in shown.features if each.name == "valence")
    assert valence.difference == pytest.approx(0)
    assert valence.stands_out is False


def test_too_little_known_in_both_is_said() -> None:
    songs = placed(0.1, 10) + [Song()] * 10 + placed(0.9, 20)
    rows = played("2026-01-01", range(20)) + played("2026-01-02", range(20, 40))
    shown = compare(a_history(rows, songs), days("2026-01-02", "2026-01-02"))
    assert (shown.basis, shown.features, shown.missing) == (None, (), Missing.COVERAGE_CHANGED)


def test_a_better_catalogue_is_no_change() -> None:
    # The same music on both days, of which twelve tracks are known at first, and then all.
    for known in (12, 20):
        songs = placed(0.25, known) + [Song()] * (20 - known)
        rows = played("2026-01-01", range(20)) + played("2026-01-02", range(20))
        shown = compare(a_history(rows, songs), days("2026-01-02", "2026-01-02"))
        assert {each.difference for each in shown.features if each.name == "valence"} == {0}


def supplied(provider: str, valence: float, count: int) -> list[Song]:
    return [Song(features={"valence": valence, "energy": 0.5}, provider=provider)] * count


def test_another_supplier_is_no_change_of_mood() -> None:
    # All is known on both days, but by suppliers who may measure in different ways.
    songs = supplied("reccobeats", 0.25, 20) + supplied("catalogue", 0.75, 20)
    rows = played("2026-01-01", range(20)) + played("2026-01-02", range(20, 40))
    shown = compare(a_history(rows, songs), days("2026-01-02", "2026-01-02"))
    assert shown.coverage == shown.coverage_before
    assert (shown.basis, shown.features, shown.missing) == (None, (), Missing.SUPPLIERS_CHANGED)


def test_where_suppliers_change_what_was_heard_in_both_is_compared() -> None:
    # Ten of the catalogue on both days; beside them ten of another supplier, then ten of the catalogue.
    songs = (
        supplied("catalogue", 0.5, 10) + supplied("reccobeats", 0.25, 10) + supplied("catalogue", 0.75, 10)
    )
    rows = played("2026-01-01", range(20)) + played("2026-01-02", [*range(10), *range(20, 30)])
    shown = compare(a_history(rows, songs), days("2026-01-02", "2026-01-02"))
    assert (shown.basis, shown.missing) == (Basis.HEARD_IN_BOTH, None)
    valence = next(each for each in shown.features if each.name == "valence")
    assert valence.difference == pytest.approx(0)
    assert valence.stands_out is False


def test_the_same_tracks_of_two_suppliers_are_compared_where_both_weigh_alike() -> None:
    # Ten of either supplier: heard alike on the first day, and those of one of them thrice on the second.
    songs = supplied("catalogue", 0.25, 10) + supplied("reccobeats", 0.75, 10)
    rows = played("2026-01-01", range(20)) + played("2026-01-02", [*range(10), *list(range(10, 20)) * 3])
    shown = compare(a_history(rows, songs), days("2026-01-02", "2026-01-02"))
    valence = next(each for each in shown.features if each.name == "valence")
    # From a half to three quarters.
    assert (shown.basis, valence.missing) == (Basis.HEARD_IN_BOTH, Missing.SUPPLIERS_CHANGED)
    assert (valence.difference, valence.stands_out) == (None, None)


@pytest.mark.parametrize(("others", "basis"), [(1, Basis.ALL_KNOWN), (2, None), (3, None)])
def test_less_than_a_tenth_may_change_suppliers(others: int, basis: Basis | None) -> None:
    songs = supplied("catalogue", 0.25, 40 - others) + supplied("reccobeats", 0.25, others)
    rows = played("2026-01-01", range(20)) + played("2026-01-02", range(20, 40))
    shown = compare(a_history(rows, songs), days("2026-01-02", "2026-01-02"))
    assert shown.basis == basis


def test_a_catalogue_for_one_of_two_periods_announces_no_change() -> None:
    # A fifth of one day is known and nine tenths of the other, whichever of them the catalogue covers.
    songs = placed(0.1, 4) + [Song()] * 16 + placed(0.9, 18) + [Song()] * 2
    for first, second in ((range(20), range(20, 40)), (range(20, 40), range(20))):
        rows = played("2026-01-01", first) + played("2026-01-02", second)
        shown = compare(a_history(rows, songs), days("2026-01-02", "2026-01-02"))
        assert (shown.basis, shown.features, shown.missing) == (None, (), Missing.LOW_COVERAGE)


def test_nothing_before_is_said() -> None:
    history = a_history(played("2026-01-02", range(1)))
    assert compare(history, days("2026-01-02", "2026-01-02")).missing == Missing.NOTHING_BEFORE
    assert compare(history, all_time()).missing == Missing.NOTHING_BEFORE


TODAY = date(2026, 3, 1)


def daily(counts: list[int]) -> list[Row]:
    """The last of the counts is yesterday's."""
    first = utc("2026-03-01T00:00") - timedelta(days=len(counts))
    return [
        Row(first + timedelta(days=day, minutes=10 * play), play)
        for day, count in enumerate(counts)
        for play in range(count)
    ]


def plays_trend(counts: list[int]) -> Trend:
    return trends(a_history(daily(counts), [Song()] * 60), timezone="UTC", today=TODAY).plays


def test_a_trend_by_hand() -> None:
    # 28 days: 10 and 14 in turn. Median 12, every day 2 from it: MAD 2.
    usual = [10, 14] * 14
    up = plays_trend(usual + [18] * 7)
    assert up.z == pytest.approx((18 - 12) / (1.4826 * 2))
    assert (up.recent, up.usual, up.called) == (18, 12, True)
    # (17 - 12) / 2.9652 = 1.69 is not enough.
    assert not plays_trend(usual + [17] * 7).called
    # (6 - 12) / 2.9652 = -2.02 is.
    assert plays_trend(usual + [6] * 7).called


def test_no_trend_without_spread_or_history() -> None:
    assert plays_trend([12] * 28 + [40] * 7).missing == Missing.NO_SPREAD
    assert plays_trend([10, 14] * 13 + [30] * 7).missing == Missing.SHORT_HISTORY


def feature_trend(recent_known: int) -> Trend:
    # On usual days 12 known tracks, now and then brighter ones; in the last week bright and unknown ones.
    songs = placed(0.25, 12) + placed(0.375, 12) + placed(0.875, 12) + [Song()] * 12
    first = utc("2026-03-01T00:00") - timedelta(days=35)
    rows = []
    for day in range(35):
        begins = 12 * (day % 2) if day < 28 else 24
        tracks = list(range(begins, begins + 12)) if day < 28 else [
            *range(24, 24 + recent_known), *range(36, 36 + 12 - recent_known)
        ]  # fmt: skip
        rows += [Row(first + timedelta(days=day, minutes=10 * i), track) for i, track in enumerate(tracks)]
    shown = trends(a_history(rows, songs), timezone="UTC", today=TODAY)
    return shown.features[FEATURE_NAMES.index("valence")]


def test_features_have_trends_where_coverage_holds() -> None:
    # Days of 0.25 and 0.375 in turn: median 0.3125, MAD 0.0625.
    known = feature_trend(12)
    assert known.z == pytest.approx((0.875 - 0.3125) / (1.4826 * 0.0625))
    assert known.called
    # Ten of twelve known: coverage fell from 1 to 0.83.
    fallen = feature_trend(10)
    assert fallen.z is not None
    assert (fallen.called, fallen.missing) == (False, Missing.COVERAGE_CHANGED)


def trend_of_valence(usual: list[list[Song]], recent: list[Song]) -> Trend:
    """Of 28 days that hear the given songs in turn, and of seven that hear those of `recent`."""
    daily_songs = [*(usual[day % len(usual)] for day in range(28)), *[recent] * 7]
    songs = [song for each in (*usual, recent) for song in each]
    first = utc("2026-03-01T00:00") - timedelta(days=35)
    rows = [
        Row(first + timedelta(days=day, minutes=10 * index), songs.index(song))
        for day, heard in enumerate(daily_songs)
        for index, song in enumerate(heard)
    ]
    shown = trends(a_history(rows, songs), timezone="UTC", today=TODAY)
    return shown.features[FEATURE_NAMES.index("valence")]


def twelve(valence: float, provider: str = "catalogue", *, unknown: int = 0, first: int = 0) -> list[Song]:
    """Twelve songs, each its own, and some more that nobody knows."""
    features = {"valence": valence, "energy": 0.5}
    known = [Song(album=first + number, features=features, provider=provider) for number in range(12)]
    return known + [Song(album=first + 100 + number) for number in range(unknown)]


def test_another_supplier_is_no_trend() -> None:
    usual = [twelve(0.25), twelve(0.375)]
    # The same z as in the trend of one supplier above.
    assert trend_of_valence(usual, twelve(0.875)).called
    other = trend_of_valence(usual, twelve(0.875, "reccobeats"))
    assert other.z == pytest.approx((0.875 - 0.3125) / (1.4826 * 0.0625))
    assert (other.called, other.missing) == (False, Missing.SUPPLIERS_CHANGED)


def test_days_that_show_nothing_do_not_stand_for_the_others() -> None:
    # Every other pair of days is wholly known, and hardly known are those between: with 12 of 12 and 12 of 48
    # two fifths of the music of all days is known. So much is known in the last week, too, 12 of 30; but the
    # days that it is compared with are known wholly.
    usual = [twelve(0.25), twelve(0.375), twelve(0.25, unknown=36, first=1000)]
    usual = [usual[0], usual[2], usual[1], usual[2]]
    shown = trend_of_valence(usual, twelve(0.875, unknown=18, first=5000))
    assert shown.z == pytest.approx((0.875 - 0.3125) / (1.4826 * 0.0625))
    assert (shown.called, shown.missing) == (False, Missing.COVERAGE_CHANGED)


@given(small_histories())
def test_an_overview_counts_what_a_loop_counts(given: tuple[list[Row], list[Song]]) -> None:
    rows, songs = given
    figures = overview(a_history(rows, songs), days("2026-01-10", "2026-02-20")).figures
    shown = [row for row in rows if not row.private]
    plays = [row for row in shown if row.ms is None or row.ms >= 30_000]
    assert (figures.rows, figures.plays) == (len(shown), len(plays))
    assert figures.skips == sum(row.skipped for row in shown)
    assert figures.ms_listened == sum(row.ms or 0 for row in plays)
    assert figures.active_days == len({row.at.date() for row in plays})
    assert figures.artists == len({songs[row.track].artist for row in plays} - {None})
    lengths = [(row, songs[row.track].duration) for row in plays]
    known = [
        row.to_end or (row.ms is not None and length is not None and row.ms >= length)
        for row, length in lengths
        if row.to_end or row.skipped or (row.ms is not None and length is not None)
    ]
    assert figures.completion_rate_n == len(known)
    assert figures.completion_rate == (pytest.approx(sum(known) / len(known)) if known else None)


def test_private_sessions_are_in_it_when_asked_for() -> None:
    history = a_history([Row(utc("2026-01-01T10:00"), private=True)])
    asked = Counting(PlayRule.SPOTIFY, private_sessions=True)
    assert overview(history, all_time()).figures.plays == 0
    assert overview(history, all_time(), asked).figures.plays == 1
