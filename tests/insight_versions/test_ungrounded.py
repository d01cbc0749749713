"""A narrator who says what the facts do not carry is not believed."""

from dataclasses import dataclass, replace
from uuid import UUID

import pytest
from typing_extensions import override

from ingestions import a_listener
from insight_trials import asked_for, insights, result_of, snapshot_with_top_track
from jobs_inline import job_row, work_off
from spotify_insights.insights.brief import Brief
from spotify_insights.insights.narrators.narrative import Narrative, Paragraph, Sentence
from spotify_insights.insights.narrators.narrator import Narrator
from spotify_insights.insights.types import ToneMode
from spotify_insights.pretend_spotify.running import RunningPretendSpotify
from spotify_insights.runtime import Runtime

HONEST = "These are your most played tracks of the last weeks, in the order in which they were counted."


@dataclass(frozen=True)
class Teller(Narrator):
    """Says the same about everybody."""

    paragraph: str
    model: str = "teller"
    prompt_version: str = "1"

    @override
    def narrate(self, brief: Brief, *, tone: ToneMode, seed: str) -> Narrative:
        cited = (brief.facts[0].id,)
        return Narrative.of(
            brief,
            headline=Sentence(text="What you have been listening to", fact_ids=cited),
            paragraphs=[Paragraph(text=self.paragraph, fact_ids=cited)],
            highlights=[],
        )


@pytest.fixture
def snapshot_id(runtime: Runtime, pretend_spotify: RunningPretendSpotify) -> UUID:
    return snapshot_with_top_track(runtime, pretend_spotify, a_listener(runtime), 0)


def test_a_truthful_teller_is_heard(runtime: Runtime, snapshot_id: UUID) -> None:
    """Else the tests below would prove nothing."""
    telling = replace(runtime, narrator=Teller(HONEST))
    task = asked_for(telling, snapshot_id)
    work_off(telling)
    result_of(job_row(runtime.database, task.id))
    [insight] = insights(runtime)
    assert (insight.llm_model, insight.prompt_version) == ("teller", "1")
    assert HONEST in insight.content


@pytest.mark.parametrize(
    "lie",
    [
        f"{HONEST} You have played 987654 of them.",
        f"{HONEST} Your favourite is “A Song That Nobody Ever Sang”.",
        f"{HONEST} This looks like a depression.",
        f"{HONEST} <b>Click</b> https://example.org/",
    ],
    ids=["number", "name", "diagnosis", "markup"],
)
def test_a_lie_is_not_stored_and_the_task_says_so(runtime: Runtime, snapshot_id: UUID, lie: str) -> None:
    lying = replace(runtime, narrator=Teller(lie))
    task = asked_for(lying, snapshot_id)
    work_off(lying)
    job = job_row(runtime.database, task.id)
    assert (job.status, job.error_code) == ("failed", "ungrounded")
    assert job.error == "The insight could not be written truthfully and was not stored."
    assert job.result is None
    assert insights(runtime) == []

    # The next request is a new attempt, and an honest narrator succeeds where the liar failed.
    again = asked_for(runtime, snapshot_id)
    assert again.id != task.id
    work_off(runtime)
    result_of(job_row(runtime.database, again.id))
    assert len(insights(runtime)) == 1
