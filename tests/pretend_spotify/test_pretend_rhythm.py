"""Each persona does what its description says; the margins are wide, the differences are not."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from statistics import fmean
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pytest

from pretend_trials import NOW
from spotify_insights.pretend_spotify.catalogue import Track
from spotify_insights.pretend_spotify.genres import GENRES
from spotify_insights.pretend_spotify.listener import listener_of
from spotify_insights.pretend_spotify.personas import PERSONA_BY_KEY, PERSONAS


class LocalPlay(NamedTuple):
    track: Track
    at: datetime


def year_of(key: str) -> list[LocalPlay]:
    zone = ZoneInfo(PERSONA_BY_KEY[key].timezone)
    plays = listener_of(key).plays_between(NOW - timedelta(days=365), NOW)
    return [LocalPlay(play.track, play.started_at.astimezone(zone)) for play in plays]


def share(hits: Iterable[bool]) -> float:
    return fmean(hits)


def mean_valence(plays: Iterable[LocalPlay]) -> float:
    return fmean(play.track.features.valence for play in plays)


def test_there_are_at_least_six_personas_with_names_and_zones_of_their_own() -> None:
    assert len(PERSONAS) >= 6
    assert len({persona.display_name for persona in PERSONAS}) == len(PERSONAS)
    assert len({persona.timezone for persona in PERSONAS}) == len(PERSONAS)


def test_every_genre_a_persona_likes_exists() -> None:
    liked = {genre for persona in PERSONAS for habit in persona.habits for genre in habit.genres}
    assert liked <= {genre.name for genre in GENRES}


def test_the_night_owl_plays_sad_music_when_others_sleep() -> None:
    plays = year_of("night-owl")
    assert share(play.at.hour >= 22 or play.at.hour < 4 for play in plays) > 0.65
    assert share(play.at.hour in range(5, 12) for play in plays) < 0.02
    assert mean_valence(plays) < 0.4


def test_the_early_commuter_starts_before_eight_on_workdays_with_cheerful_music() -> None:
    plays = year_of("early-commuter")
    first_hour = {play.at.date(): play.at.hour for play in reversed(plays) if play.at.weekday() < 5}
    assert share(hour < 8 for hour in first_hour.values()) > 0.75
    assert share(play.at.hour in {23, 0, 1, 2, 3} for play in plays) < 0.02
    assert mean_valence(plays) > 0.55


def test_the_early_commuter_sleeps_in_at_the_weekend() -> None:
    weekend = [play for play in year_of("early-commuter") if play.at.weekday() >= 5]
    assert share(play.at.hour < 7 for play in weekend) < 0.05


def test_the_focus_listener_works_to_instrumental_music_and_rests_to_jazz() -> None:
    plays = year_of("focus-listener")
    at_work = [play for play in plays if play.at.weekday() < 5 and 9 <= play.at.hour < 17]
    evening = [play for play in plays if play.at.hour >= 19]
    assert len(at_work) > 0.6 * len(plays)
    assert fmean(play.track.features.instrumentalness for play in at_work) > 0.7
    assert fmean(play.track.features.instrumentalness for play in evening) < 0.6
    assert share("jazz" in play.track.artists[0].genres for play in evening) > 0.4


def test_the_weekend_raver_lives_from_friday_evening_to_sunday_morning() -> None:
    plays = year_of("weekend-raver")

    def on_the_dancefloor(at: datetime) -> bool:
        return (at.weekday(), at.hour) >= (4, 16) and (at.weekday(), at.hour) < (6, 12)

    weekend = [play for play in plays if on_the_dancefloor(play.at)]
    weekdays = [play for play in plays if not on_the_dancefloor(play.at)]
    assert len(weekend) > 0.55 * len(plays)
    energy = [fmean(play.track.features.energy for play in part) for part in (weekend, weekdays)]
    assert energy[0] > 0.75
    assert energy[0] > energy[1] + 0.1


def test_the_omnivore_has_no_favourite_genre_and_the_widest_shelf() -> None:
    genres = Counter(play.track.artists[0].genres[0] for play in year_of("omnivore"))
    assert len(genres) >= 15
    assert max(genres.values()) < 0.2 * genres.total()
    widths = {persona.key: len({play.track.id for play in year_of(persona.key)}) for persona in PERSONAS}
    assert max(widths, key=lambda key: widths[key]) == "omnivore"


def test_the_obsessive_has_a_handful_of_songs() -> None:
    counts = Counter(play.track.id for play in year_of("obsessive"))
    assert sum(count for _, count in counts.most_common(10)) > 0.3 * counts.total()
    assert len(counts) < 200


def test_now_and_then_the_obsessive_has_one_song_for_a_fortnight() -> None:
    plays = year_of("obsessive")
    by_fortnight: dict[int, Counter[str]] = {}
    for play in plays:
        by_fortnight.setdefault(play.at.toordinal() // 14, Counter())[play.track.id] += 1
    most_played = [counts.most_common(1)[0][1] / counts.total() for counts in by_fortnight.values()]
    assert max(most_played) > 0.3
    assert share(top > 0.25 for top in most_played) > 0.4


@pytest.mark.parametrize("persona", PERSONAS, ids=lambda persona: persona.key)
def test_everybody_has_a_quiet_part_of_the_day(persona: object) -> None:
    assert isinstance(persona, type(PERSONAS[0]))
    hours = Counter(play.at.hour for play in year_of(persona.key))
    quiet = [hour for hour in range(24) if hours[hour] < 0.01 * hours.total()]
    assert len(quiet) >= 3
