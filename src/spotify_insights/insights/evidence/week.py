"""Facts about one week: how much was played, who and what led it, who is new or back, and on which day.

They are counts of what happened and claim no habit, so they ask for less evidence than the facts of the
longer ranges do. Nothing here says anything about a snapshot of another range.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from spotify_insights.insights.evidence.rhythm import WEEKDAYS, day_part_facts
from spotify_insights.insights.evidence.sound import coverage_facts, mood_facts
from spotify_insights.insights.fact import Fact, Unit, calendar_day, count, points, share, wording
from spotify_insights.insights.names import safe_name
from spotify_insights.listening.snapshot import PlaysBefore, Rhythm, Snapshot, TopArtist
from spotify_insights.listening.time_range import CalendarRange
from spotify_insights.listening.week import Week

# With fewer plays a single album decides everything that could be told.
MIN_PLAYS: Final = 10

# A share of the day moves by three points with every one of thirty plays.
MIN_PLAYS_FOR_HOURS: Final = 30
MIN_DAYS_FOR_HOURS: Final = 3
MIN_PLAYS_FOR_DAY: Final = 20

# Whoever was played less often is not "among the most played" in any sense that a reader would share.
MIN_ARTIST_PLAYS: Final = 3
MIN_TRACK_PLAYS: Final = 4

# A first meeting or a return is told of artists that were really listened to.
MIN_PLAYS_TO_NOTICE: Final = 5
_NOTICED_RANKS: Final = 10
# Four weeks without: a pause that is longer than a holiday, in a history that is long enough to show it.
MIN_DAYS_AWAY: Final = 28

# One song against all others: twice the plays of the next one.
MIN_REPEAT_LEAD: Final = 2
MIN_REPEAT_PLAYS: Final = 8

_NAMED: Final = 3


def amount_facts(snapshot: Snapshot) -> list[Fact]:
    """First and last day, plays, days with plays, and different tracks; nothing without plays."""
    rhythm = _rhythm_of_week(snapshot)
    if rhythm is None:
        return []
    week = Week(snapshot.snapshot_date)
    return [
        calendar_day("first_day", week.begins_on),
        calendar_day("last_day", week.ends_on),
        count("plays", rhythm.plays, Unit.PLAYS),
        count("days", rhythm.days, Unit.DAYS),
        count("tracks_played", snapshot.coverage.tracks, Unit.TRACKS),
    ]


def comparison_facts(snapshot: Snapshot) -> list[Fact]:
    """Plays and days of the week before, and the difference.

    Silent unless the history begins before that week: it would be compared with a part of itself.
    """
    rhythm = _rhythm_of_week(snapshot)
    if rhythm is None or (before := rhythm.before) is None:
        return []
    if before.since >= Week(snapshot.snapshot_date).before.begins_on:
        return []
    return [
        count("plays_before", before.plays, Unit.PLAYS),
        count("days_before", before.days, Unit.DAYS),
        count("plays_change", abs(rhythm.plays - before.plays), Unit.PLAYS),
    ]


def leader_facts(snapshot: Snapshot) -> list[Fact]:
    """The most played artists; the artist and the track ahead of all others, where there is one.

    Nobody is said to lead who shares the first place.
    """
    rhythm = _rhythm_of_week(snapshot)
    if rhythm is None:
        return []
    return [*_artist_facts(snapshot.top_artists, rhythm.plays), *_track_facts(snapshot, rhythm.plays)]


def acquaintance_facts(snapshot: Snapshot) -> list[Fact]:
    """The most played artist who is new to the history, and the one who is back after a long pause.

    Silent unless the history reaches `MIN_DAYS_AWAY` days behind the week.
    """
    rhythm = _rhythm_of_week(snapshot)
    if rhythm is None or (before := rhythm.before) is None:
        return []
    begins_on = Week(snapshot.snapshot_date).begins_on
    long_ago = begins_on - timedelta(days=MIN_DAYS_AWAY)
    if before.since > long_ago:
        return []
    noticed = [a for a in snapshot.top_artists[:_NOTICED_RANKS] if (a.plays or 0) >= MIN_PLAYS_TO_NOTICE]
    facts: list[Fact] = []
    new = next((artist for artist in noticed if artist.last_played_before is None), None)
    if new is not None:
        facts += _new_facts(new, before, snapshot)
    for artist in noticed:
        last = artist.last_played_before
        if last is not None and last <= long_ago:
            facts += [
                wording("comeback_artist", safe_name(artist.name), Unit.ARTIST_NAME),
                count("comeback_plays", artist.plays or 0, Unit.PLAYS),
                count("comeback_days", (begins_on - last).days, Unit.DAYS),
            ]
            break
    return facts


def hours_of_week_facts(snapshot: Snapshot) -> list[Fact]:
    """Shares of the parts of the day, and the fullest day where one day is ahead of all others."""
    rhythm = _rhythm_of_week(snapshot)
    if rhythm is None or rhythm.days < MIN_DAYS_FOR_HOURS:
        return []
    facts: list[Fact] = []
    if rhythm.plays >= MIN_PLAYS_FOR_HOURS and len(rhythm.hours) == 24:
        facts += day_part_facts(rhythm.hours)
        facts.append(points("hour_concentration", rhythm.concentration))
    if rhythm.plays >= MIN_PLAYS_FOR_DAY and len(rhythm.weekdays) == 7:
        # Shares are rounded to millionths: with fewer plays than that the counts come back exactly.
        by_day = [round(part * rhythm.plays) for part in rhythm.weekdays]
        fullest, second = sorted(range(7), key=lambda day: -by_day[day])[:2]
        if by_day[fullest] > by_day[second]:
            facts += [
                wording("busiest_day", WEEKDAYS[fullest], Unit.WEEKDAY),
                count("busiest_day_plays", by_day[fullest], Unit.PLAYS),
                share("busiest_day_share", rhythm.weekdays[fullest]),
            ]
    return facts


def sound_of_week_facts(snapshot: Snapshot) -> list[Fact]:
    """How much of the played music has audio features, and its moods where that is enough."""
    if _rhythm_of_week(snapshot) is None:
        return []
    return [*coverage_facts(snapshot), *mood_facts(snapshot)]


def _rhythm_of_week(snapshot: Snapshot) -> Rhythm | None:
    if snapshot.time_range is not CalendarRange.WEEK or snapshot.rhythm is None:
        return None
    return snapshot.rhythm if snapshot.rhythm.plays > 0 else None


def _artist_facts(artists: Sequence[TopArtist], plays: int) -> list[Fact]:
    often = [artist for artist in artists if (artist.plays or 0) >= MIN_ARTIST_PLAYS]
    facts = [
        wording(f"artist_{place}", safe_name(artist.name), Unit.ARTIST_NAME)
        for place, artist in enumerate(often[:_NAMED], start=1)
    ]
    if often and _leads([artist.plays or 0 for artist in artists]):
        first = often[0].plays or 0
        facts += [
            wording("lead_artist", safe_name(often[0].name), Unit.ARTIST_NAME),
            count("lead_artist_plays", first, Unit.PLAYS),
            share("lead_artist_share", first / plays),
        ]
    return facts


def _track_facts(snapshot: Snapshot, plays: int) -> list[Fact]:
    counts = [track.plays or 0 for track in snapshot.top_tracks]
    if not counts or counts[0] < MIN_TRACK_PLAYS or not _leads(counts):
        return []
    first, second = counts[0], counts[1] if len(counts) > 1 else 0
    track = snapshot.top_tracks[0]
    facts = [
        wording("track_1", safe_name(track.name), Unit.TRACK_NAME),
        count("track_1_plays", first, Unit.PLAYS),
        share("track_1_share", first / plays),
    ]
    if track.artists:
        facts.append(wording("track_1_artist", safe_name(track.artists[0]), Unit.ARTIST_NAME))
    if first >= MIN_REPEAT_PLAYS and first >= MIN_REPEAT_LEAD * second:
        facts.append(count("repeat_plays", first, Unit.PLAYS))
    return facts


def _new_facts(artist: TopArtist, before: PlaysBefore, snapshot: Snapshot) -> list[Fact]:
    begins_on = Week(snapshot.snapshot_date).begins_on
    return [
        wording("new_artist", safe_name(artist.name), Unit.ARTIST_NAME),
        count("new_artist_plays", artist.plays or 0, Unit.PLAYS),
        count("history_days", (begins_on - before.since).days, Unit.DAYS),
    ]


def _leads(counts: Sequence[int]) -> bool:
    return len(counts) == 1 or counts[0] > counts[1]
