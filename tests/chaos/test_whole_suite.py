"""The chaos suite as it is typed: a short run keeps every promise, and each control breaks its own."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from chaos.mutations import Without

ROOT = Path(__file__).parents[2]


def chaos(figures: Path, *arguments: str) -> tuple[int, Any, str]:
    """The exit code, the figures and what was printed."""
    ended = subprocess.run(  # noqa: S603  # our own program
        [sys.executable, "-m", "chaos", "--json", str(figures), *arguments],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        timeout=600,
    )
    said = ended.stdout + ended.stderr
    return ended.returncode, json.loads(figures.read_text()) if figures.exists() else None, said


@pytest.mark.slow  # a minute of trouble, and the time to get over it
def test_a_minute_of_chaos_loses_and_doubles_nothing(tmp_path: Path) -> None:
    code, figures, said = chaos(tmp_path / "figures.json", "--minutes", "1")

    assert code == 0, said
    assert figures["findings"] == {}
    assert len(figures["faults"]) >= 8
    assert figures["jobs"]["succeeded"] > 100


@pytest.mark.slow  # a whole installation for each
@pytest.mark.parametrize(
    ("without", "broken"),
    [
        (Without.FENCE, "doubled"),
        (Without.RELAY, "lost"),
        (Without.UNIQUE_INDEX, "twins"),
        (Without.LEASE_CHECK, "stolen"),
    ],
)
def test_a_protocol_with_a_wall_missing_breaks_the_promise_that_it_guards(
    without: Without, broken: str, tmp_path: Path
) -> None:
    code, figures, said = chaos(tmp_path / "figures.json", "--without", without)

    assert code == 1, said
    assert any(finding.startswith(f"{broken}:") for finding in figures["findings"]), said
