"""What a week's snapshot says is what an honest count of the same plays gives."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestions import rows
from invented_weeks import WEEK, Heard, a_week
from makers import a_user
from spotify_insights.audio_features.values import AudioFeatures
from spotify_insights.database.actor import SYSTEM
from spotify_insights.listening.analytics.play_rule import PlayRule
from spotify_insights.listening.calendar_period import calendar_period
from spotify_insights.listening.load_heard import load_heard
from spotify_insights.listening.snapshot import Snapshot
from spotify_insights.listening.take_calendar_snapshot import take_calendar_snapshot
from spotify_insights.listening.take_snapshot import SuppliedFeatures
from spotify_insights.listening.time_range import CalendarRange
from spotify_insights.listening.week import Week
from spotify_insights.runtime import Runtime
from weekly_trials import Played, has_played

NAMES = st.sampled_from(["Low", "Air", "Can", "The 1975", "Mara Ellery"])
PLAYS = st.builds(
    Heard,
    artists=st.lists(NAMES, min_size=1, max_size=3, unique=True).map(tuple),
    title=st.sampled_from(["One", "Two", "Three"]),
    day=st.integers(0, 6),
    hour=st.integers(0, 23),
)
EARLIER = st.builds(
    Heard, artists=st.tuples(NAMES), title=st.just("Old"), day=st.integers(-90, -1), hour=st.just(7)
)


@given(heard=st.lists(PLAYS, max_size=60), earlier=st.lists(EARLIER, max_size=20))
def test_everything_is_counted_and_ranked_by_its_plays(heard: list[Heard], earlier: list[Heard]) -> None:
    snapshot = a_week(heard, earlier=earlier)

    tracks = Counter((play.artists, play.title) for play in heard)
    artists = Counter(artist for play in heard for artist in play.artists)
    assert {(track.artists, track.name): track.plays for track in snapshot.top_tracks} == tracks
    assert {artist.name: artist.plays for artist in snapshot.top_artists} == artists
    for ranked in (snapshot.top_tracks, snapshot.top_artists):
        assert [item.rank for item in ranked] == list(range(1, len(ranked) + 1))
        plays = [item.plays or 0 for item in ranked]
        assert plays == sorted(plays, reverse=True)
    for artist in snapshot.top_artists:
        days = [play.day for play in earlier if artist.name in play.artists]
        last = WEEK.begins_on + timedelta(days=max(days)) if days else None
        assert artist.last_played_before == last


@given(heard=st.lists(PLAYS, min_size=1, max_size=60), earlier=st.lists(EARLIER, max_size=20))
def test_the_week_before_is_counted_by_itself(heard: list[Heard], earlier: list[Heard]) -> None:
    rhythm = a_week(heard, earlier=earlier).rhythm
    assert rhythm is not None
    assert (rhythm.plays, rhythm.days) == (len(heard), len({play.day for play in heard}))
    if not earlier:
        assert rhythm.before is None
        return
    week_before = [play.day for play in earlier if play.day >= -7]
    assert rhythm.before is not None
    assert (rhythm.before.plays, rhythm.before.days) == (len(week_before), len(set(week_before)))
    assert rhythm.before.since == WEEK.begins_on + timedelta(days=min(play.day for play in earlier))


@given(heard=st.lists(PLAYS, max_size=40), random=st.randoms())
def test_the_order_of_the_plays_changes_nothing(heard: list[Heard], random: object) -> None:
    shuffled = sorted(heard, key=lambda _: random.random())  # type: ignore[attr-defined]  # hypothesis' own Random
    assert a_week(shuffled).content_hash == a_week(heard).content_hash


def test_of_equally_many_plays_what_was_played_on_more_days_comes_first() -> None:
    heard = [Heard(("Zest",), "Often", day, 9) for day in range(3)]
    heard += [Heard(("Air",), "At once", 2, hour) for hour in range(3)]
    assert [artist.name for artist in a_week(heard).top_artists] == ["Zest", "Air"]


def test_sound_weighs_by_plays_and_reaches_beyond_the_list() -> None:
    """Sixty tracks: thirty intense ones with three plays each, thirty calm ones with one."""
    loud = [Heard(("Loud",), f"Loud {n}", day, 9) for n in range(30) for day in range(3)]
    soft = [Heard(("Soft",), f"Soft {n}", 3, 9) for n in range(30)]
    snapshot = a_week([*loud, *soft], features=_features_of([*loud, *soft]))

    assert len(snapshot.top_tracks) == 50
    assert (snapshot.coverage.tracks, snapshot.coverage.tracks_with_features) == (60, 60)
    assert snapshot.coverage.share == 1.0
    assert snapshot.audio_features["energy"].mean == pytest.approx(0.75 * 0.95 + 0.25 * 0.05)
    assert snapshot.mood_patterns is not None
    assert snapshot.mood_patterns.intense == pytest.approx(0.75, abs=0.03)
    # Without the calm ones, a quarter of the plays is unknown.
    partly = a_week([*loud, *soft], features=_features_of(loud))
    assert partly.coverage.share == pytest.approx(0.75)


def test_other_ranges_keep_their_json() -> None:
    """Fingerprints of insights that are stored already rest on it."""
    snapshot = a_week([Heard(("Low",), "One", 1, 9)]).model_dump(mode="json")
    assert (snapshot["top_tracks"][0]["plays"], "before" in snapshot["rhythm"]) == (1, False)
    ranked = {"rank": 1, "spotify_id": "t", "name": "One", "artists": ["Low"]}
    restored = Snapshot.model_validate(snapshot | {"top_tracks": [ranked], "time_range": "short_term"})
    assert restored.model_dump(mode="json")["top_tracks"] == [ranked]


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago", "Asia/Kathmandu"])
def test_the_week_begins_and_ends_at_the_listeners_own_midnight(runtime: Runtime, zone: str) -> None:
    user_id = a_user(runtime, timezone=zone)
    begins, ends = WEEK.bounds(zone)
    moment = timedelta(milliseconds=1)
    has_played(
        runtime,
        user_id,
        [
            Played("the week before", begins - moment),
            Played("first", begins),
            Played("last", ends - moment),
            Played("the next week", ends),
        ],
    )

    snapshot = _loaded(runtime, user_id, zone)

    assert {track.name for track in snapshot.top_tracks} == {"first", "last"}
    assert snapshot.rhythm is not None
    assert snapshot.rhythm.weekdays[6] == snapshot.rhythm.weekdays[5] == 0.5
    assert snapshot.rhythm.before is not None
    assert (snapshot.rhythm.before.plays, snapshot.rhythm.before.days) == (1, 1)


def test_what_was_skipped_is_not_counted_anywhere(runtime: Runtime) -> None:
    user_id = a_user(runtime)
    noon = datetime(2026, 11, 18, 12, tzinfo=UTC)
    week = timedelta(weeks=1)
    has_played(
        runtime,
        user_id,
        [
            Played("skipped", noon, ms_played=29_999),
            Played("heard", noon + timedelta(minutes=5), ms_played=30_000),
            Played("of unknown length", noon + timedelta(minutes=9), ms_played=None),
            Played("skipped", noon - week, ms_played=100),
            Played("heard", noon - week + timedelta(minutes=5)),
            Played("skipped", noon - 9 * week, ms_played=100),
        ],
    )

    snapshot = _loaded(runtime, user_id, "UTC")

    assert {track.name for track in snapshot.top_tracks} == {"heard", "of unknown length"}
    assert snapshot.rhythm is not None
    assert snapshot.rhythm.plays == 2
    assert snapshot.rhythm.before is not None
    assert snapshot.rhythm.before.plays == 1
    assert snapshot.rhythm.before.since == date(2026, 11, 11)


def test_somebody_elses_plays_are_nobodys_business(runtime: Runtime) -> None:
    user_id, other = a_user(runtime), a_user(runtime)
    noon = datetime(2026, 11, 18, 12, tzinfo=UTC)
    has_played(runtime, user_id, [Played("mine", noon)])
    has_played(runtime, other, [Played("mine", noon), Played("theirs", noon - timedelta(days=60))])

    snapshot = _loaded(runtime, user_id, "UTC")

    assert [(track.name, track.plays) for track in snapshot.top_tracks] == [("mine", 1)]
    assert snapshot.top_artists[0].last_played_before is None
    assert snapshot.rhythm is not None
    assert snapshot.rhythm.before is None


def test_features_are_those_we_hold_and_nobody_is_asked(runtime: Runtime) -> None:
    user_id = a_user(runtime)
    noon = datetime(2026, 11, 18, 12, tzinfo=UTC)
    plays = [Played(f"Song {n}", noon + timedelta(minutes=5 * n)) for n in range(12)]
    has_played(
        runtime,
        user_id,
        plays,
        features={play.title: AudioFeatures(valence=0.9, energy=0.9) for play in plays[:10]},
    )

    snapshot = _loaded(runtime, user_id, "UTC")

    assert (snapshot.coverage.tracks, snapshot.coverage.tracks_with_features) == (12, 10)
    assert snapshot.coverage.providers == {"reccobeats": 1.0}
    assert rows(runtime.database, "SELECT count(*) FROM track_features") == [(10,)]


def _loaded(runtime: Runtime, user_id: UUID, zone: str, week: Week = WEEK) -> Snapshot:
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        heard = load_heard(tx.session, user_id, default_rule=PlayRule.SPOTIFY)
    period = calendar_period(CalendarRange.WEEK, week.ends_on, timezone=zone)
    return take_calendar_snapshot(heard, period, CalendarRange.WEEK)


def _features_of(heard: list[Heard]) -> dict[str, SuppliedFeatures]:
    return {
        f"{play.artists}/{play.title}": SuppliedFeatures.from_one(
            features=AudioFeatures(valence=0.05, energy=0.95 if play.artists == ("Loud",) else 0.05),
            provider="reccobeats",
        )
        for play in heard
    }
