"""What a reader may rely on without looking: small files with names of their own."""

import re
from pathlib import Path

from spotify_insights.settings import Settings

SOURCE = Path(__file__).parents[2] / "src" / "spotify_insights"
DRAWERS = re.compile(r"^(utils?|helpers?|common|core|misc|services?|repositor(y|ies)|managers?|base)$")
LONGEST_FILE = 320


def test_no_file_has_outgrown_one_idea() -> None:
    lengths = {
        file.relative_to(SOURCE): len(file.read_text(encoding="utf-8").splitlines())
        for file in SOURCE.rglob("*.py")
        # A migration is a record of one moment and is never divided afterwards.
        if "versions" not in file.parts
    }
    assert {file: lines for file, lines in lengths.items() if lines > LONGEST_FILE} == {}


def test_no_file_is_a_drawer() -> None:
    assert [path for path in SOURCE.rglob("*") if DRAWERS.match(path.stem)] == []


def test_every_setting_is_explained_by_example() -> None:
    example = (SOURCE.parents[1] / ".env.example").read_text(encoding="utf-8")
    named = set(re.findall(r"^#?([A-Z_]+)=", example, flags=re.MULTILINE))
    assert named == {name.upper() for name in Settings.model_fields}


def test_every_top_level_folder_is_on_the_map() -> None:
    map_of_the_code = (SOURCE.parents[1] / "ARCHITECTURE.md").read_text(encoding="utf-8")
    folders = {path.name for path in SOURCE.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert {name for name in folders if f"{name}/ " not in map_of_the_code} == set()
