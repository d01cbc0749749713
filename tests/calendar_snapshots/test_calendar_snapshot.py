"""What a snapshot of a calendar range says is what an honest count of the same plays gives."""

from collections import Counter
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from invented_weeks import WEEK, Heard, as_heard
from spotify_insights.audio_features.values import AudioFeatures
from spotify_insights.listening.calendar_period import calendar_period
from spotify_insights.listening.snapshot import Snapshot, TopArtist, TopTrack
from spotify_insights.listening.take_calendar_snapshot import LISTED, take_calendar_snapshot
from spotify_insights.listening.take_snapshot import SuppliedFeatures, take_snapshot
from spotify_insights.listening.time_range import DAILY_RANGES, CalendarRange

NAMES = st.sampled_from(["Low", "Air", "Can", "The 1975", "Mara Ellery"])
# From five years before the week to its last hour: every range has plays in it and plays before it.
PLAYS = st.builds(
    Heard,
    artists=st.lists(NAMES, max_size=3, unique=True).map(tuple),
    title=st.sampled_from(["One", "Two", "Three", "Four"]),
    day=st.integers(-1800, 6) | st.integers(-60, 6) | st.integers(4, 6),
    hour=st.integers(0, 23),
)
ZONES = st.sampled_from(["UTC", "Europe/Berlin", "Pacific/Auckland", "Pacific/Honolulu"])
# Ten and more different tracks, so that there is something to say about their sound.
FEATURES = st.dictionaries(
    st.sampled_from(["One", "Two", "Three", "Four"]),
    st.builds(
        AudioFeatures,
        valence=st.sampled_from([0.05, 0.5, 0.95]),
        energy=st.sampled_from([0.1, 0.63]) | st.none(),
        tempo=st.sampled_from([90.5, 118.047]) | st.none(),
    ),
)
LAST_DAY = WEEK.ends_on


def first_day(time_range: CalendarRange) -> date:
    return {
        CalendarRange.WEEK: WEEK.begins_on,
        CalendarRange.MONTH: LAST_DAY.replace(day=1),
        CalendarRange.YEAR: LAST_DAY.replace(month=1, day=1),
        CalendarRange.ALL_TIME: date(1970, 1, 1),
    }[time_range]


def naive(
    heard: list[Heard], features: dict[str, AudioFeatures], time_range: CalendarRange, zone: str
) -> Snapshot:
    """Play by play, through what snapshots of Spotify's lists are computed with."""

    def day_of(play: Heard) -> date:
        return play.moment.astimezone(ZoneInfo(zone)).date()

    inside = [play for play in heard if first_day(time_range) <= day_of(play) <= LAST_DAY]
    before = [play for play in heard if day_of(play) < first_day(time_range)]
    tracks = Counter((play.artists, play.title) for play in inside)
    track_days = Counter(
        (artists, title) for artists, title, _ in {(p.artists, p.title, day_of(p)) for p in inside}
    )
    artists = Counter(artist for play in inside for artist in play.artists)
    artist_days = Counter(name for name, _ in {(name, day_of(p)) for p in inside for name in p.artists})
    ranked_tracks = sorted(tracks, key=lambda t: (-tracks[t], -track_days[t], f"{t[0]}/{t[1]}"))
    ranked_artists = sorted(artists, key=lambda name: (-artists[name], -artist_days[name], name))
    return take_snapshot(
        snapshot_date=LAST_DAY,
        time_range=time_range,
        timezone=zone,
        top_tracks=[
            TopTrack(
                rank=rank, spotify_id=f"{who}/{title}", name=title, artists=who, plays=tracks[who, title]
            )
            for rank, (who, title) in enumerate(ranked_tracks, start=1)
        ],
        top_artists=[
            TopArtist(
                rank=rank,
                spotify_id=name,
                name=name,
                plays=artists[name],
                last_played_before=max((day_of(p) for p in before if name in p.artists), default=None),
            )
            for rank, name in enumerate(ranked_artists, start=1)
        ],
        features=supplied(heard, features),
        plays_ended_at=[play.moment for play in inside],
    )


def supplied(heard: list[Heard], features: dict[str, AudioFeatures]) -> dict[str, SuppliedFeatures]:
    return {
        f"{play.artists}/{play.title}": SuppliedFeatures.from_one(
            features=features[play.title], provider="catalogue" if play.title < "P" else "reccobeats"
        )
        for play in heard
        if play.title in features
    }


@given(
    heard=st.lists(PLAYS, max_size=60),
    features=FEATURES,
    time_range=st.sampled_from(CalendarRange),
    zone=ZONES,
)
def test_it_is_what_counting_play_by_play_gives(
    heard: list[Heard], features: dict[str, AudioFeatures], time_range: CalendarRange, zone: str
) -> None:
    period = calendar_period(time_range, LAST_DAY, timezone=zone)

    snapshot = take_calendar_snapshot(as_heard(heard, supplied(heard, features)), period, time_range)

    expected = naive(heard, features, time_range, zone)
    if snapshot.rhythm is not None:
        before = snapshot.rhythm.before
        snapshot = snapshot.model_copy(update={"rhythm": snapshot.rhythm.model_copy(update={"before": None})})
        days = [play.moment.astimezone(ZoneInfo(zone)).date() for play in heard]
        assert (before is not None) == any(day < first_day(time_range) for day in days)
        if before is not None:
            assert before.since == min(days)
    assert snapshot == expected
    assert snapshot.content_hash == expected.content_hash


@given(heard=st.lists(PLAYS, max_size=60), zone=ZONES)
def test_what_came_before_are_the_same_days_of_the_month_before(heard: list[Heard], zone: str) -> None:
    period = calendar_period(CalendarRange.MONTH, LAST_DAY, timezone=zone)
    rhythm = take_calendar_snapshot(as_heard(heard), period, CalendarRange.MONTH).rhythm
    if rhythm is None or rhythm.before is None:
        return
    days = [play.moment.astimezone(ZoneInfo(zone)).date() for play in heard]
    october = [day for day in days if date(2026, 10, 1) <= day <= date(2026, 10, 21)]
    assert (rhythm.before.plays, rhythm.before.days) == (len(october), len(set(october)))


@given(heard=st.lists(PLAYS, max_size=40), random=st.randoms())
def test_the_order_of_the_plays_changes_nothing(heard: list[Heard], random: object) -> None:
    shuffled = sorted(heard, key=lambda _: random.random())  # type: ignore[attr-defined]  # hypothesis' own Random
    for time_range in DAILY_RANGES:
        period = calendar_period(time_range, LAST_DAY, timezone="UTC")
        of_one, of_other = (
            take_calendar_snapshot(as_heard(each), period, time_range) for each in (heard, shuffled)
        )
        assert of_one.content_hash == of_other.content_hash


def test_lists_are_as_long_as_spotifys_and_sound_reaches_beyond_them() -> None:
    heard = [Heard((f"Artist {n:02}",), f"Song {n}", n % 7, 9) for n in range(60)]
    features = {
        f"{play.artists}/{play.title}": SuppliedFeatures.from_one(
            features=AudioFeatures(valence=0.9, energy=0.9), provider="catalogue"
        )
        for play in heard[:45]
    }
    period = calendar_period(CalendarRange.MONTH, LAST_DAY, timezone="UTC")

    snapshot = take_calendar_snapshot(as_heard(heard, features), period, CalendarRange.MONTH)

    assert len(snapshot.top_tracks) == len(snapshot.top_artists) == LISTED == 50
    # 45 of 60 tracks, each played once.
    assert (snapshot.coverage.tracks, snapshot.coverage.share) == (60, 0.75)
    assert snapshot.coverage.providers == {"catalogue": 1.0}


def test_of_equally_many_plays_what_was_played_on_more_days_comes_first() -> None:
    heard = [Heard(("Zest",), "Often", day, 9) for day in range(3)]
    heard += [Heard(("Air",), "At once", 2, hour) for hour in range(3)]
    period = calendar_period(CalendarRange.MONTH, LAST_DAY, timezone="UTC")

    snapshot = take_calendar_snapshot(as_heard(heard), period, CalendarRange.MONTH)

    assert [artist.name for artist in snapshot.top_artists] == ["Zest", "Air"]
    assert [track.name for track in snapshot.top_tracks] == ["Often", "At once"]


def test_without_a_play_there_is_nothing_to_say() -> None:
    long_ago = [Heard(("Low",), "One", -1000, 9)]
    period = calendar_period(CalendarRange.YEAR, LAST_DAY, timezone="UTC")

    snapshot = take_calendar_snapshot(as_heard(long_ago), period, CalendarRange.YEAR)

    assert snapshot.rhythm is None
    assert (snapshot.top_tracks, snapshot.top_artists, snapshot.audio_features) == ((), (), {})
    assert (snapshot.coverage.tracks, snapshot.coverage.share, snapshot.mood_patterns) == (0, 0.0, None)


def test_days_of_23_and_25_hours_are_one_day_each() -> None:
    # In Berlin the clock went back on 25 October 2026 and forward on 29 March.
    zone = ZoneInfo("Europe/Berlin")
    for day in (date(2026, 10, 25), date(2026, 3, 29)):
        period = calendar_period(CalendarRange.MONTH, day, timezone="Europe/Berlin")
        first, last = (
            datetime.combine(day, datetime.min.time(), zone),
            datetime.combine(day + timedelta(days=1), datetime.min.time(), zone) - timedelta(seconds=1),
        )
        midnight = datetime.combine(WEEK.begins_on, datetime.min.time(), ZoneInfo("UTC"))
        hours = [int((moment - midnight).total_seconds() // 3600) for moment in (first, last)]
        heard = [Heard(("Low",), "One", hour // 24, hour % 24) for hour in (hours[0], hours[1], hours[1] + 1)]
        rhythm = take_calendar_snapshot(as_heard(heard), period, CalendarRange.MONTH).rhythm
        assert rhythm is not None
        # The third is the first hour of the next day.
        assert (rhythm.plays, rhythm.days) == (2, 1)
        assert (rhythm.hours[0], rhythm.hours[23]) == (0.5, 0.5)
