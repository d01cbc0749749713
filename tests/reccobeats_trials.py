"""A pretend ReccoBeats for tests: which tracks it knows, and what it was asked."""

from spotify_insights.pretend_spotify.catalogue import catalogue_of
from spotify_insights.pretend_spotify.running import RunningPretendSpotify

PATH = "/reccobeats/*"


def known_ids(number: int) -> list[str]:
    """So many ids of tracks that the pretend ReccoBeats knows, always the same."""
    return list(catalogue_of(1).tracks)[:number]


def asked_of_reccobeats(pretend_spotify: RunningPretendSpotify) -> list[list[str]]:
    """The ids of each call so far, in the order of the calls."""
    return [
        request.query["ids"].split(",")
        for request in pretend_spotify.control.requests()
        if request.path.startswith("/reccobeats/")
    ]
