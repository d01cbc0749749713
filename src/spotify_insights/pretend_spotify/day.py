"""One listener's day: sessions from habits, tracks from taste, moments to the millisecond."""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from spotify_insights.pretend_spotify.catalogue import Track
from spotify_insights.pretend_spotify.personas import Habit, Persona
from spotify_insights.pretend_spotify.seeding import dice
from spotify_insights.pretend_spotify.taste import Taste

_SILENT_DAYS: Final = 0.03
_SAME_GENRE: Final = 0.75
_LONGEST_BREAK_S: Final = 240.0
_AFTER_SESSION: Final = timedelta(minutes=4)


class Play(NamedTuple):
    """One track, listened to without interruption: `ended_at` is `started_at` plus `ms_played`, in UTC."""

    track: Track
    started_at: datetime
    ended_at: datetime
    ms_played: int


def plays_of_day(persona: Persona, zone: ZoneInfo, taste: Taste, seed: int, day: date) -> tuple[Play, ...]:
    """The plays of the listening day that begins at the persona's day break on the local date `day`.

    They follow from the arguments alone, do not overlap, and lie wholly inside the listening day, so
    that two days never overlap either.
    """
    roll = dice("day", persona.key, seed, day.toordinal())
    if roll.random() < _SILENT_DAYS:
        return ()
    begins = _moment(day, persona.day_break, zone)
    ends = _moment(day + timedelta(days=1), persona.day_break, zone)
    fortnight = day.toordinal() // 14
    plays: list[Play] = []
    free_from = begins
    for start, habit in _sessions(persona, zone, day, roll):
        tracks = _tracks_in_a_row(persona, habit, taste, fortnight, roll)
        for play in _session(tracks, roll, skips=persona.skips, start=max(start, free_from)):
            if play.ended_at >= ends:
                return tuple(plays)
            plays.append(play)
        # Nobody starts the next session within seconds of the last.
        free_from = plays[-1].ended_at + _AFTER_SESSION if plays else begins
    return tuple(plays)


def _moment(day: date, hour: float, zone: ZoneInfo) -> datetime:
    """The local wall-clock `hour` of `day` (24 and more is the next date) in UTC."""
    local = datetime.combine(day, time(), tzinfo=zone) + timedelta(milliseconds=int(hour * 3_600_000))
    return local.astimezone(UTC)


def _sessions(persona: Persona, zone: ZoneInfo, day: date, roll: Random) -> list[tuple[datetime, Habit]]:
    weekday = day.weekday()
    starts = [
        (roll.gauss(habit.hour, habit.spread), habit)
        for habit in persona.habits
        if roll.random() < habit.chances[weekday]
    ]
    return [
        (_moment(day, max(hour, persona.day_break), zone), habit)
        for hour, habit in sorted(starts, key=lambda entry: entry[0])
    ]


def _tracks_in_a_row(
    persona: Persona, habit: Habit, taste: Taste, fortnight: int, roll: Random
) -> Iterator[Track]:
    genres, weights = list(habit.genres), list(habit.genres.values())
    main_genre = roll.choices(genres, weights)[0]
    obsession, previous = taste.obsession(fortnight), None
    for _ in range(max(2, round(roll.gauss(habit.tracks, habit.tracks * 0.3)))):
        if obsession is not None and roll.random() < persona.obsession_share:
            previous = obsession
        else:
            genre = main_genre if roll.random() < _SAME_GENRE else roll.choices(genres, weights)[0]
            track = taste.draw(fortnight, genre, roll)
            # Only an obsession is played twice in a row on purpose.
            previous = track if track is not previous else taste.draw(fortnight, genre, roll)
        yield previous


def _session(tracks: Iterable[Track], roll: Random, *, skips: float, start: datetime) -> Iterator[Play]:
    for track in tracks:
        ms_played = track.duration_ms
        if roll.random() < skips:
            ms_played = max(1500, int(ms_played * 0.8 * roll.random() ** 2))
        end = start + timedelta(milliseconds=ms_played)
        yield Play(track, start, end, ms_played)
        pause_s = _LONGEST_BREAK_S * roll.random() if roll.random() < 0.03 else 0.1 + roll.random()
        start = end + timedelta(milliseconds=int(pause_s * 1000))
