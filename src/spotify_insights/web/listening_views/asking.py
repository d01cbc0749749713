"""The query parameters that all views of a history share."""

from dataclasses import astuple
from datetime import date
from typing import Annotated, Final

from fastapi import Depends, Query

from spotify_insights.listening.analytics.period import PeriodName
from spotify_insights.listening.analytics.play_rule import PlayRule
from spotify_insights.listening.views.asked import Asked

FromDay = Annotated[
    date | None,
    Query(
        alias="from",
        description="The first day, in the listener's calendar; goes with `to`.",
        examples=["2026-01-01"],
    ),
]
ToDay = Annotated[
    date | None,
    Query(
        alias="to",
        description="The last day, which is part of it; one day later than today or more means until today.",
        examples=["2026-03-31"],
    ),
]
_PERIOD: Final = (
    "A stretch of the listener's calendar (the one that `day` lies in; weeks begin on Monday), one of "
    "Spotify's ranges (28, 182 and 365 days up to `day`), `all_time`, or `custom`: from `from` to `to`. "
    "The present month where nothing is said."
)
_RULE: Final = (
    "What counts as a play: 30 seconds (`spotify`), half the track or four minutes (`lastfm`), or every row "
    "(`all`). Where nothing is said, the listener's preference `play_rule`, else the installation's."
)
_PRIVATE: Final = (
    "Whether private sessions are in it. Where nothing is said, the listener's preference "
    "`private_sessions`, else no."
)


# Async although it waits for nothing: a synchronous dependency costs every request a hop between threads.
async def _asked(
    period: Annotated[PeriodName | None, Query(description=_PERIOD)] = None,
    day: Annotated[
        date | None,
        Query(description="The day that the period lies around; today where nothing is said."),
    ] = None,
    first_day: FromDay = None,
    last_day: ToDay = None,
    rule: Annotated[PlayRule | None, Query(description=_RULE)] = None,
    private_sessions: Annotated[bool | None, Query(description=_PRIVATE)] = None,
) -> Asked:
    return Asked(period, day, first_day, last_day, rule, private_sessions)


async def _asked_of_now(
    rule: Annotated[PlayRule | None, Query(description=_RULE)] = None,
    private_sessions: Annotated[bool | None, Query(description=_PRIVATE)] = None,
) -> Asked:
    return Asked(period=PeriodName.DAY, rule=rule, private_sessions=private_sessions)


AskedDep = Annotated[Asked, Depends(_asked)]
AskedOfNowDep = Annotated[Asked, Depends(_asked_of_now)]
"""Of a view that is always about the present."""


def name_of(asked: Asked, *choices: object) -> str:
    """One text for what was asked, the view's own choices included: a part of a cache key."""
    return ":".join("" if each is None else str(each) for each in (*astuple(asked), *choices))
