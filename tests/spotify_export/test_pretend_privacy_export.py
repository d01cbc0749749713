"""The pretend export has the real one's form, and its truth is what a plain reading of the file counts."""

import json
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from export_files import extended_row
from spotify_insights.pretend_spotify.catalogue import catalogue_of
from spotify_insights.pretend_spotify.privacy_export import write_extended_export
from spotify_insights.spotify_export.archive import open_export

UNTIL = datetime(2026, 11, 22, 12, tzinfo=UTC)
ROWS = 20_000


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, int]]:
    path = tmp_path_factory.mktemp("export") / "my_spotify_data.zip"
    return path, asdict(write_extended_export(path, rows=ROWS, seed=3, until=UNTIL))


def rows_of(path: Path) -> Iterator[dict[str, Any]]:
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if name.endswith(".json"):
                yield from json.loads(archive.read(name))


def plainly_counted(path: Path) -> dict[str, int]:
    counts: Counter[str] = Counter(rows=0, bad=0)
    seen = set()
    for row in rows_of(path):
        counts["rows"] += 1
        about = row["spotify_track_uri"] or row["spotify_episode_uri"] or row["audiobook_chapter_uri"]
        identity = (row["ts"], row["ms_played"], about, row["master_metadata_track_name"])
        named = row["master_metadata_track_name"] is not None
        if about is not None and identity in seen:
            counts["duplicates"] += 1
        elif row["episode_name"] is not None:
            counts["podcasts"] += 1
        elif row["audiobook_chapter_title"] is not None:
            counts["audiobooks"] += 1
        elif not named:
            counts["unnamed"] += 1
        else:
            counts["plays" if row["ms_played"] >= 30_000 else "skips"] += 1
        counts["incognito"] += row["incognito_mode"]
        seen.add(identity)
    return dict(counts)


def test_the_truth_is_what_a_plain_reading_counts(export: tuple[Path, dict[str, int]]) -> None:
    path, truth = export
    assert plainly_counted(path) == truth
    assert truth["rows"] == ROWS == sum(truth.values()) - truth["rows"] - truth["incognito"]
    assert min(count for name, count in truth.items() if name != "bad") > 0


def test_the_parser_finds_every_row_and_its_kind(export: tuple[Path, dict[str, int]]) -> None:
    path, truth = export
    counts: Counter[str] = Counter()
    repeated: Counter[tuple[object, ...]] = Counter()
    with path.open("rb") as file:
        for batch in open_export(file, path.name).batches(now=UNTIL):
            counts.update(rows=batch.rows, bad=batch.bad, unnamed=batch.unnamed)
            for entry in batch.music:
                counts["incognito"] += entry.private_session
                repeated[entry.ended_at, entry.ms_played, entry.track_name, entry.spotify_id] += 1
            for spoken in batch.spoken:
                repeated[spoken.ended_at, spoken.ms_played, spoken.title, spoken.spotify_uri] += 1
    assert {name: counts[name] for name in ("rows", "bad", "unnamed", "incognito")} == {
        name: truth[name] for name in ("rows", "bad", "unnamed", "incognito")
    }
    assert repeated.total() - len(repeated) == truth["duplicates"]


def test_files_keys_and_names_are_those_of_the_real_ones(export: tuple[Path, dict[str, int]]) -> None:
    path, _ = export
    with zipfile.ZipFile(path) as archive:
        names = [name.removeprefix("Spotify Extended Streaming History/") for name in archive.namelist()]
    assert names == [
        "ReadMeFirst_ExtendedStreamingHistory.pdf",
        "Streaming_History_Audio_2016-2024_0.json",
        "Streaming_History_Audio_2024-2026_1.json",
        "Streaming_History_Video_2016-2026_0.json",
    ]
    rows = list(rows_of(path))
    assert {tuple(row) for row in rows} == {tuple(extended_row())}
    assert max(row["ts"] for row in rows) < "2026-11-22T12:00:00Z"


def test_it_is_the_same_each_time_and_another_for_another_seed(tmp_path: Path) -> None:
    first, again, other = (tmp_path / name for name in ("first", "again", "other"))
    write_extended_export(first, rows=500, seed=1, until=UNTIL)
    write_extended_export(again, rows=500, seed=1, until=UNTIL)
    write_extended_export(other, rows=500, seed=2, until=UNTIL)
    assert first.read_bytes() == again.read_bytes()
    assert first.read_bytes() != other.read_bytes()


def test_its_favourites_are_known_to_the_pretend_spotify(export: tuple[Path, dict[str, int]]) -> None:
    played = Counter(row["spotify_track_uri"] for row in rows_of(export[0]) if row["spotify_track_uri"])
    favourites = [uri.removeprefix("spotify:track:") for uri, _ in played.most_common(20)]
    assert set(favourites) <= set(catalogue_of(1).tracks)


def test_more_than_anybody_can_hear_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="give it more years"):
        write_extended_export(tmp_path / "x.zip", rows=300_000, seed=1, until=UNTIL, years=1)
