"""The command line itself: it starts fast, and its help says what each command is for."""

import subprocess
import sys

import pytest

from operator_trials import Operator

SLOW = ("sqlalchemy", "psycopg", "pydantic", "celery", "redis", "alembic", "fastapi", "flower", "tornado")


@pytest.mark.parametrize(
    ("words", "options"),
    [
        (["jobs"], ["list", "show", "retry", "cancel", "watch"]),
        (
            ["jobs", "list"],
            ["--status", "--queue", "--task", "--user", "--limit", "--json", "--demo", "--data-dir"],
        ),
        (["jobs", "show"], ["ID", "--json"]),
        (["jobs", "retry"], ["--dead", "--task", "--error-code", "--limit"]),
        (["jobs", "cancel"], ["ID"]),
        (["jobs", "watch"], ["ID", "exit code 0"]),
        (["relay"], ["--metrics-port", "--metrics-host"]),
        (["flower"], ["--address", "--port", "5555", "127.0.0.1", "FLOWER_PASSWORD"]),
    ],
)
def test_help_names_what_there_is_and_summaries_are_whole(
    anybody: Operator, words: list[str], options: list[str]
) -> None:
    helped = anybody.type(*words, "--help")
    assert helped.code == 0
    for option in options:
        assert option in helped.out
    assert "..." not in anybody.type(*words[:-1], "--help").line_with(f"  {words[-1]} ")


def test_the_command_line_starts_without_what_only_single_commands_need() -> None:
    program = (
        f"import sys, spotify_insights.cli.main; print([name for name in {SLOW!r} if name in sys.modules])"
    )
    said = subprocess.run(  # noqa: S603  # our own program
        [sys.executable, "-c", program], check=True, capture_output=True, text=True, timeout=60
    )
    assert said.stdout.strip() == "[]"
