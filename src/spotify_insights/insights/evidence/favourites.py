"""Facts from the ranked lists: who and what came first, and how the list is shared out."""

from collections import Counter
from itertools import takewhile
from typing import Final

from spotify_insights.insights.fact import Fact, Unit, count, share, wording
from spotify_insights.insights.names import safe_name
from spotify_insights.listening.snapshot import Snapshot, TopTrack
from spotify_insights.listening.time_range import TimeRange

# A paragraph can carry a handful of names; the lists themselves are on the dashboard.
NAMED: Final = 5

# Shares of a shorter list jump by more than ten points with every track.
MIN_TRACKS_TO_SHARE_OUT: Final = 10

# An artist is singled out only with a clear lead: this many times the tracks of the next one.
MIN_LEAD: Final = 1.5

# Two in a row is chance in most lists; from here on a listener would notice the run.
MIN_STREAK: Final = 3


def source_facts(snapshot: Snapshot) -> list[Fact]:
    """What the lists are and what weighs in the sound: Spotify's ranking, or the plays that we hold."""
    if isinstance(snapshot.time_range, TimeRange):
        return [wording("ranked_by", "Spotify"), wording("weighed", "top tracks")]
    return [wording("weighed", "plays")]


def favourite_facts(snapshot: Snapshot) -> list[Fact]:
    """Names and lengths of the top lists; nothing for empty lists."""
    facts: list[Fact] = []
    artists = sorted(snapshot.top_artists, key=lambda artist: artist.rank)
    tracks = _ranked(snapshot)
    if artists:
        facts.append(count("artists_listed", len(artists), Unit.ARTISTS))
    for place, artist in enumerate(artists[:NAMED], start=1):
        facts.append(wording(f"artist_{place}", safe_name(artist.name), Unit.ARTIST_NAME))
    if tracks:
        facts.append(count("tracks_listed", len(tracks), Unit.TRACKS))
    for place, track in enumerate(tracks[:NAMED], start=1):
        facts.append(wording(f"track_{place}", safe_name(track.name), Unit.TRACK_NAME))
        if track.artists:
            lead = wording(f"track_{place}_artist", safe_name(track.artists[0]), Unit.ARTIST_NAME)
            facts.append(lead)
    return facts


def concentration_facts(snapshot: Snapshot) -> list[Fact]:
    """How the top tracks are divided among their lead artists.

    Silent for fewer than `MIN_TRACKS_TO_SHARE_OUT` tracks. A track counts for the artist credited
    first; for `favourite_tracks` (tracks by the listener's top artist) every credit counts.
    """
    tracks = _ranked(snapshot)
    leads = [track.artists[0] for track in tracks if track.artists]
    if len(leads) < MIN_TRACKS_TO_SHARE_OUT:
        return []
    tally = Counter(leads)
    return [
        count("distinct_artists", len(tally), Unit.ARTISTS),
        share("distinct_artists_share", len(tally) / len(leads)),
        *_most_listed(tally),
        *_streak_facts(leads),
        *_favourite_absence(snapshot, tracks),
    ]


def _most_listed(tally: Counter[str]) -> list[Fact]:
    (artist, most), *others = tally.most_common(2)
    # Where one artist made everything there is nobody to be singled out from.
    if not others or most < MIN_LEAD * others[0][1]:
        return []
    return [
        wording("most_listed_artist", safe_name(artist), Unit.ARTIST_NAME),
        count("most_listed_tracks", most, Unit.TRACKS),
        share("most_listed_share", most / tally.total()),
    ]


def _streak_facts(leads: list[str]) -> list[Fact]:
    streak = len(list(takewhile(lambda lead: lead == leads[0], leads)))
    if streak < MIN_STREAK:
        return []
    return [
        count("streak_tracks", streak, Unit.TRACKS),
        wording("streak_artist", safe_name(leads[0]), Unit.ARTIST_NAME),
    ]


def _favourite_absence(snapshot: Snapshot, tracks: list[TopTrack]) -> list[Fact]:
    if not snapshot.top_artists:
        return []
    favourite = min(snapshot.top_artists, key=lambda artist: artist.rank).name.casefold()
    by_favourite = [t for t in tracks if favourite in {name.casefold() for name in t.artists}]
    return [count("favourite_tracks", len(by_favourite), Unit.TRACKS)]


def _ranked(snapshot: Snapshot) -> list[TopTrack]:
    return sorted(snapshot.top_tracks, key=lambda track: track.rank)
