import hashlib
from typing import TypedDict
from uuid import UUID

import pytest

from spotify_insights.insights.fingerprint import fingerprint
from spotify_insights.insights.types import InsightType, ToneMode
from spotify_insights.listening.time_range import TimeRange


class Shaping(TypedDict):
    user_id: UUID
    insight_type: InsightType
    tone: ToneMode
    time_range: TimeRange
    snapshot_hash: str
    prompt_version: str
    schema_version: str
    model: str
    locale: str


SHAPING: Shaping = {
    "user_id": UUID("019aa000-0000-7000-8000-000000000001"),
    "insight_type": InsightType.ROAST,
    "tone": ToneMode.DIRECT,
    "time_range": TimeRange.SHORT_TERM,
    "snapshot_hash": "ab" * 32,
    "prompt_version": "template-1",
    "schema_version": "1",
    "model": "template",
    "locale": "en",
}


def test_the_fingerprint_is_the_hash_of_the_canonical_json() -> None:
    canonical = (
        '{"insight_type":"roast","locale":"en","model":"template","prompt_version":"template-1",'
        '"schema_version":"1","snapshot_hash":"' + "ab" * 32 + '","time_range":"short_term",'
        '"tone":"direct","user_id":"019aa000-0000-7000-8000-000000000001"}'
    )
    assert fingerprint(**SHAPING) == hashlib.sha256(canonical.encode()).hexdigest()


CHANGES: list[Shaping] = [
    {**SHAPING, "user_id": UUID("019aa000-0000-7000-8000-000000000002")},
    {**SHAPING, "insight_type": InsightType.WELLNESS},
    {**SHAPING, "tone": ToneMode.NEUTRAL},
    {**SHAPING, "time_range": TimeRange.LONG_TERM},
    {**SHAPING, "snapshot_hash": "cd" * 32},
    {**SHAPING, "prompt_version": "template-2"},
    {**SHAPING, "schema_version": "2"},
    {**SHAPING, "model": "another"},
    {**SHAPING, "locale": "de"},
]


@pytest.mark.parametrize("changed", CHANGES)
def test_everything_that_shapes_the_text_changes_the_fingerprint(changed: Shaping) -> None:
    assert fingerprint(**changed) != fingerprint(**SHAPING)
