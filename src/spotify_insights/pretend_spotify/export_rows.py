"""The rows of an invented extended history, as text: 23 keys in Spotify's order, as each year wrote them."""

import json
from datetime import UTC, datetime
from enum import Enum, auto
from itertools import accumulate
from random import Random
from time import gmtime, strftime
from typing import Final, NamedTuple

from spotify_insights.pretend_spotify.catalogue import spotify_like_id
from spotify_insights.pretend_spotify.export_tracks import ExportedTrack, exported_tracks

# Spotify counts a stream from 30 seconds on.
COUNTED_MS: Final = 30_000
_SKIPS: Final = 0.08
_PODCASTS: Final = 0.02
_AUDIOBOOKS: Final = 0.005
_UNNAMED: Final = 0.002
_INCOGNITO: Final = 0.01
_OFFLINE: Final = 0.02
_VIDEO: Final = 0.003
_LOCAL_FILES: Final = 0.001
_MOST_TRACKS: Final = 50_000
_RANK_SHIFT: Final = 20
_STEEPNESS: Final = 1.0
# Of three plays one is of a favourite of its half-year, and two of the favourites of all years.
_FAVOURITES_OF_THE_TIME: Final = 0.3
_HALF_YEAR: Final = 182 * 24 * 3600
_NEW_FAVOURITES: Final = 40
_DRAWN_AT_ONCE: Final = 4096


def _second(year: int, month: int) -> int:
    return int(datetime(year, month, 1, tzinfo=UTC).timestamp())


_SHUFFLE_SINCE: Final = _second(2017, 1)
_STAMPS_IN_SECONDS_SINCE: Final = _second(2021, 1)
_SKIPPED_SINCE: Final = _second(2022, 10)
_COARSE_PLATFORMS_SINCE: Final = _second(2023, 10)
_PLATFORMS_BEFORE: Final = (
    "iOS 15.6.1 (iPhone12,1)",
    "Android OS 11 API 30 (samsung, SM-G991B)",
    "Windows 10 (10.0.19044; x64; AppX)",
    "web_player windows 10;chrome 103.0.0.0;desktop",
    "Partner google cast_tv;Chromecast;;",
)
_PLATFORMS: Final = ("ios", "android", "windows", "web_player", "cast", "osx")
_COUNTRIES: Final = ("DE",) * 400 + ("FR",) * 12 + ("PT",) * 9 + ("JP",) * 4 + ("ZZ",) * 2


class Kind(Enum):
    """What a row is about; UNNAMED is music that Spotify no longer has a name for."""

    MUSIC = auto()
    PODCAST = auto()
    AUDIOBOOK = auto()
    UNNAMED = auto()


class Draft(NamedTuple):
    """A row that has no moment yet."""

    kind: Kind
    ms_played: int
    reason_end: str
    skipped: bool
    track: ExportedTrack


class Row(NamedTuple):
    kind: Kind
    ended: int
    ms_played: int
    incognito: bool
    is_video: bool
    text: bytes


_NOBODY: Final = ExportedTrack("null", "null", "null", "", 180_000)


class RowWriter:
    """Draws the rows of one listener, one after the other, with one pair of dice."""

    def __init__(self, *, seed: int, rows: int, roll: Random) -> None:
        self._roll = roll
        self._tracks = exported_tracks(min(_MOST_TRACKS, max(rows, 50)), seed=seed)
        self._sums = list(
            accumulate((rank + _RANK_SHIFT) ** -_STEEPNESS for rank in range(len(self._tracks)))
        )
        self._ranks: list[int] = []
        self._shows = [
            (
                json.dumps(f"The {name} Hour", ensure_ascii=False),
                [spotify_like_id(roll) for _ in range(120)],
            )
            for name in ("Möwe", "Lantern", "Back Stair", "Nine Bridges", "深夜")
        ]

    def draft(self, before: int, *, is_repeated: bool) -> Draft:
        """The next row, which follows the second `before`. Repeated rows have names."""
        roll = self._roll
        chance = roll.random()
        if chance < _UNNAMED and not is_repeated:
            return Draft(Kind.UNNAMED, roll.randrange(400_000), "endplay", skipped=False, track=_NOBODY)
        if chance < _UNNAMED + _AUDIOBOOKS:
            return Draft(
                Kind.AUDIOBOOK, roll.randrange(1, 2_400_000), "endplay", skipped=False, track=_NOBODY
            )
        if chance < _UNNAMED + _AUDIOBOOKS + _PODCASTS:
            return Draft(Kind.PODCAST, roll.randrange(1, 4_800_000), "endplay", skipped=False, track=_NOBODY)
        track = self._track(before)
        # Rows that are skips, out of those that are left.
        if chance > 1 - _SKIPS:
            return Draft(Kind.MUSIC, roll.randrange(COUNTED_MS), "fwdbtn", skipped=True, track=track)
        if chance > 1 - _SKIPS - 0.14:
            return Draft(
                Kind.MUSIC,
                roll.randrange(COUNTED_MS, track.duration_ms),
                "endplay",
                skipped=False,
                track=track,
            )
        # A song that was rewound lasts longer than it is.
        again = roll.randrange(60_000) if roll.random() < 0.01 else 0
        return Draft(Kind.MUSIC, track.duration_ms + again, "trackdone", skipped=False, track=track)

    def _track(self, before: int) -> ExportedTrack:
        if not self._ranks:
            self._ranks = self._roll.choices(
                range(len(self._tracks)), cum_weights=self._sums, k=_DRAWN_AT_ONCE
            )
        rank = self._ranks.pop()
        if self._roll.random() < _FAVOURITES_OF_THE_TIME:
            rank = (rank + before // _HALF_YEAR * _NEW_FAVOURITES) % len(self._tracks)
        return self._tracks[rank]

    def write(self, draft: Draft, ended: int, *, is_repeated: bool) -> Row:
        """The text of a row that ends at second `ended`. Repeated rows are never private."""
        roll = self._roll
        moment = strftime("%Y-%m-%dT%H:%M:%SZ", gmtime(ended))
        kind, ms_played, reason_end, skipped, track = draft
        incognito = kind is Kind.MUSIC and not is_repeated and roll.random() < _INCOGNITO
        offline = roll.random() < _OFFLINE
        coarse = ended >= _COARSE_PLATFORMS_SINCE
        platform = roll.choice(_PLATFORMS if coarse else _PLATFORMS_BEFORE)
        local_file = kind is Kind.MUSIC and roll.random() < _LOCAL_FILES
        uri = f'"spotify:track:{track.id}"' if track.id else "null"
        if local_file:
            uri = '"spotify:local:::some+file:180"'
        skipped_text = "null" if ended < _SKIPPED_SINCE else _flag(skipped)
        text = (
            f'  {{\n    "ts": "{moment}",\n'
            f'    "platform": "{platform}",\n'
            f'    "ms_played": {ms_played},\n'
            f'    "conn_country": "{roll.choice(_COUNTRIES)}",\n'
            f'    "ip_addr": "203.0.113.{ended % 256}",\n'
            f'    "master_metadata_track_name": {track.name},\n'
            f'    "master_metadata_album_artist_name": {track.artist},\n'
            f'    "master_metadata_album_album_name": {track.album},\n'
            f'    "spotify_track_uri": {uri},\n'
            f"{self._spoken(kind)}"
            f'    "reason_start": "{"clickrow" if roll.random() < 0.1 else "trackdone"}",\n'
            f'    "reason_end": "{reason_end}",\n'
            f'    "shuffle": {"null" if ended < _SHUFFLE_SINCE else _flag(ended // 7200 % 3 == 0)},\n'
            f'    "skipped": {skipped_text},\n'
            f'    "offline": {_flag(offline)},\n'
            f'    "offline_timestamp": {self._offline_stamp(ended, ms_played, offline=offline)},\n'
            f'    "incognito_mode": {_flag(incognito)}\n  }}'
        )
        is_video = kind is Kind.MUSIC and roll.random() < _VIDEO
        return Row(kind, ended, ms_played, incognito, is_video, text.encode())

    def _spoken(self, kind: Kind) -> str:
        """The lines about podcasts and audiobooks."""
        if kind is Kind.PODCAST:
            show, episodes = self._roll.choice(self._shows)
            number = self._roll.randrange(len(episodes))
            return _SPOKEN.format(
                f'"Episode {number}"', show, f'"spotify:episode:{episodes[number]}"', *("null",) * 4
            )
        if kind is Kind.AUDIOBOOK:
            chapter = self._roll.randrange(1, 40)
            return _SPOKEN.format(
                *("null",) * 3, '"The Long Tide"', f'"spotify:show:{"B" * 22}"',
                f'"spotify:episode:{chapter:022d}"', f'"Chapter {chapter}"',
            )  # fmt: skip
        return _SILENT

    def _offline_stamp(self, ended: int, ms_played: int, *, offline: bool) -> str:
        """When the row began: told of all plays in later years, and of offline ones always."""
        if not offline:
            if ended >= _COARSE_PLATFORMS_SINCE:
                return str(ended - ms_played // 1000)
            return "0" if ended >= _STAMPS_IN_SECONDS_SINCE else "null"
        began = ended - ms_played // 1000
        if self._roll.random() < 0.3:
            # On a journey: the row's moment is that of its upload.
            began -= self._roll.randrange(2 * 3600, 40 * 3600)
        return str(began if ended >= _STAMPS_IN_SECONDS_SINCE else began * 1000)


_SPOKEN: Final = (
    '    "episode_name": {},\n    "episode_show_name": {},\n    "spotify_episode_uri": {},\n'
    '    "audiobook_title": {},\n    "audiobook_uri": {},\n    "audiobook_chapter_uri": {},\n'
    '    "audiobook_chapter_title": {},\n'
)
_SILENT: Final = _SPOKEN.format(*("null",) * 7)


def _flag(value: bool) -> str:  # noqa: FBT001  there is nothing else to name
    return "true" if value else "false"
