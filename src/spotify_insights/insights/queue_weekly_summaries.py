"""The weekly slot: asking for a summary for everybody whose Sunday morning it is."""

from datetime import timedelta
from typing import Final

from spotify_insights.insights.jobs import GenerateWeeklySummaries, GenerateWeeklySummary
from spotify_insights.jobs.attempt import Attempt
from spotify_insights.jobs.enqueue import enqueue
from spotify_insights.jobs.given_up import without_given_up
from spotify_insights.listening.analytics.play_rule import PlayRule
from spotify_insights.listening.weeks_to_tell import present, weeks_to_tell

# A letter takes a fraction of a second; one after the other they leave room for whoever waits for an insight.
_STAGGER: Final = timedelta(seconds=1)
# All are due before the next slot looks again.
_SPREAD: Final = timedelta(minutes=50)


def generate_weekly_summaries(
    attempt: Attempt, _job: GenerateWeeklySummaries, *, play_rule: PlayRule
) -> None:
    """Queue a summary for each listener for whom it is Sunday 09:00, or was within the last three days.

    Safe to repeat at any moment: a week whose snapshot is stored is left alone, and a summary that is
    under way is joined. One that failed, died or was cancelled stays so; an operator may queue it again.

    Args:
        play_rule: what counts as a play where a listener prefers nothing else.
    """
    with attempt.completion() as completion:
        session = completion.tx.session
        wanted = [
            GenerateWeeklySummary(user_id=listener.user_id, week_ends_on=listener.week.ends_on)
            for listener in weeks_to_tell(session, present(session), default_rule=play_rule)
        ]
        summaries = without_given_up(session, wanted)
        step = min(_STAGGER, _SPREAD / max(1, len(summaries)))
        for place, summary in enumerate(summaries):
            enqueue(completion.tx, summary, parent_id=attempt.job_id, delay=place * step)
        completion.result = {"listeners": len(summaries)}
