"""Visitors of an installation that asks for no sign-in, and of one that does."""

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from access_trials import running_required
from sign_in_journeys import Visitor
from spotify_insights.settings import Settings


@pytest.fixture
def visitor(client: TestClient) -> Visitor:
    """A browser at an installation where everybody may join."""
    return Visitor(client)


@pytest.fixture
def by_invitation(settings: Settings) -> Iterator[TestClient]:
    """An installation that asks for sign-in, and admits nobody without an invitation."""
    with running_required(settings.model_copy(update={"sign_ins_per_minute": 1000})) as client:
        yield client
