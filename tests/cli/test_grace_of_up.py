"""How long running jobs may go on when `spotify-insights up` stops."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from spotify_insights.cli.up import _grace_seconds

NEEDED = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing", "REDIS_URL": "redis://127.0.0.1:1/0"}


@pytest.mark.parametrize(
    ("given", "granted"),
    [({}, 7), ({"WORKER_GRACE_SECONDS": "60"}, 7), ({"WORKER_GRACE_SECONDS": "3"}, 3)],
    ids=["nothing said", "more than a person waits for", "less"],
)
def test_a_shorter_grace_than_its_own_is_honoured(
    given: Mapping[str, str], granted: int, tmp_path: Path
) -> None:
    assert _grace_seconds({**NEEDED, "TOKEN_KEYS_FILE": str(tmp_path / "keys.json"), **given}) == granted
