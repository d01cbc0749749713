"""Views of a listening history: what was heard, when, and how it sounds, over any period."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request, Response

from spotify_insights.access.scopes import Scope
from spotify_insights.database.actor import Actor
from spotify_insights.listening.analytics.buckets import Bucket
from spotify_insights.listening.analytics.repetition import WINDOW_DAYS
from spotify_insights.listening.analytics.sessions import LONGEST_PAUSE_MINUTES
from spotify_insights.listening.analytics.top import LONGEST_LIST, TopBy, TopOf
from spotify_insights.listening.views.documents import (
    clock_view,
    compare_view,
    mood_timeline_view,
    moods_view,
    overview_view,
    repetition_view,
    sessions_view,
    timeline_view,
    top_view,
    trends_view,
)
from spotify_insights.web.authorization import acting_for_listener
from spotify_insights.web.dependencies import ViewsDep
from spotify_insights.web.hot_reads import OBJECT_RESPONSES
from spotify_insights.web.listening_views.asking import AskedDep, AskedOfNowDep
from spotify_insights.web.listening_views.documents_of_plays import (
    CalendarDocument,
    OverviewDocument,
    RepetitionDocument,
    SessionsDocument,
    TimelineDocument,
    TopDocument,
)
from spotify_insights.web.listening_views.documents_of_sound import (
    ClockDocument,
    CompareDocument,
    MoodsDocument,
    MoodTimelineDocument,
    TrendsDocument,
)
from spotify_insights.web.parameters import UserId
from spotify_insights.web.problems import problem_responses

router = APIRouter(prefix="/api/listening", tags=["Listening history"])

Reader = Annotated[Actor, acting_for_listener(Scope.LISTENING_READ)]
_RESPONSES: Final[dict[int | str, dict[str, Any]]] = {**OBJECT_RESPONSES, **problem_responses(404, 422)}
OnlyBucket = Annotated[
    Bucket | None,
    Query(description="How finely: days for up to two months and months for more, where nothing is said."),
]
ListLength = Annotated[int, Query(ge=1, le=LONGEST_LIST, description="How many entries at most.")]


@router.get("/overview", response_model=OverviewDocument, responses=_RESPONSES)
async def overview(
    request: Request, views: ViewsDep, actor: Reader, user_id: UserId, asked: AskedDep
) -> Response:
    """One period at a glance: plays, time, skips, streaks, first and last play, and how it sounds."""
    return await views.answer(request, user_id, asked, overview_view, acting_for=actor)


@router.get("/top", response_model=TopDocument, responses=_RESPONSES)
async def top(
    request: Request,
    views: ViewsDep,
    actor: Reader,
    user_id: UserId,
    asked: AskedDep,
    of: Annotated[TopOf, Query(description="What is ranked.")] = TopOf.TRACKS,
    by: Annotated[TopBy, Query(description="By what it is ranked.")] = TopBy.PLAYS,
    limit: ListLength = 50,
) -> Response:
    """The most heard tracks, artists or albums, each with its rank in the period before."""
    return await views.answer(
        request, user_id, asked, top_view(of, by, limit), of, by, limit, acting_for=actor
    )


@router.get("/clock", response_model=ClockDocument, responses=_RESPONSES)
async def clock(
    request: Request, views: ViewsDep, actor: Reader, user_id: UserId, asked: AskedDep
) -> Response:
    """When music plays on the listener's own clock, and how it differs between the parts of the day."""
    return await views.answer(request, user_id, asked, clock_view, acting_for=actor)


@router.get("/calendar", response_model=CalendarDocument, responses=_RESPONSES)
async def calendar(
    request: Request, views: ViewsDep, actor: Reader, user_id: UserId, asked: AskedDep
) -> Response:
    """Plays and time heard on each day of the period, also on days without any."""
    return await views.answer(request, user_id, asked, timeline_view(Bucket.DAY), acting_for=actor)


@router.get("/timeline", response_model=TimelineDocument, responses=_RESPONSES)
async def timeline(
    request: Request,
    views: ViewsDep,
    actor: Reader,
    user_id: UserId,
    asked: AskedDep,
    bucket: OnlyBucket = None,
) -> Response:
    """Plays and time heard in each day, week, month or year of the period, also in those without any."""
    return await views.answer(request, user_id, asked, timeline_view(bucket), bucket, acting_for=actor)


@router.get("/moods", response_model=MoodsDocument, responses=_RESPONSES)
async def moods(
    request: Request, views: ViewsDep, actor: Reader, user_id: UserId, asked: AskedDep
) -> Response:
    """The moods of the music in one period; never those of the listener.

    Nothing is made up for tracks without audio features: `coverage` says how much is known, and where that
    is too little there are no moods, and `missing` says why.
    """
    return await views.answer(request, user_id, asked, moods_view, acting_for=actor)


@router.get("/moods/timeline", response_model=MoodTimelineDocument, responses=_RESPONSES)
async def mood_timeline(
    request: Request,
    views: ViewsDep,
    actor: Reader,
    user_id: UserId,
    asked: AskedDep,
    bucket: OnlyBucket = None,
) -> Response:
    """The moods of the music in each day, week, month or year of the period, each with its own coverage.

    Two of them may differ because different parts of the music are known, and for no other reason.
    """
    return await views.answer(request, user_id, asked, mood_timeline_view(bucket), bucket, acting_for=actor)


@router.get("/sessions", response_model=SessionsDocument, responses=_RESPONSES)
async def sessions(
    request: Request,
    views: ViewsDep,
    actor: Reader,
    user_id: UserId,
    asked: AskedDep,
    longest_pause_minutes: Annotated[
        int, Query(ge=1, le=24 * 60, description="A longer pause ends a session.")
    ] = LONGEST_PAUSE_MINUTES,
    limit: Annotated[int, Query(ge=1, le=100, description="How many of the longest at most.")] = 10,
) -> Response:
    """Stretches of listening without a long pause, and the longest of them."""
    view = sessions_view(longest_pause_minutes, limit)
    return await views.answer(request, user_id, asked, view, longest_pause_minutes, limit, acting_for=actor)


@router.get("/repetition", response_model=RepetitionDocument, responses=_RESPONSES)
async def repetition(
    request: Request,
    views: ViewsDep,
    actor: Reader,
    user_id: UserId,
    asked: AskedDep,
    window_days: Annotated[
        int, Query(ge=1, le=365, description="How many days count as lately in `reconsumption`.")
    ] = WINDOW_DAYS,
) -> Response:
    """How much was heard again, and how much for the first time."""
    return await views.answer(
        request, user_id, asked, repetition_view(window_days), window_days, acting_for=actor
    )


@router.get("/compare", response_model=CompareDocument, responses=_RESPONSES)
async def compare(
    request: Request,
    views: ViewsDep,
    actor: Reader,
    user_id: UserId,
    asked: AskedDep,
    limit: ListLength = 50,
) -> Response:
    """The period against the one before it: numbers, artists, and how it sounds.

    A period that is not over is compared with as much of the one before. A change of what is known about
    the tracks is never told as a change of the music.
    """
    return await views.answer(request, user_id, asked, compare_view(limit), limit, acting_for=actor)


@router.get("/trends", response_model=TrendsDocument, responses=_RESPONSES)
async def trends(
    request: Request, views: ViewsDep, actor: Reader, user_id: UserId, asked: AskedOfNowDep
) -> Response:
    """The seven days up to yesterday against the four weeks before them: what stands out, and what does not.

    They describe the music: nothing follows from them for the listener's health.
    """
    return await views.answer(request, user_id, asked, trends_view, acting_for=actor)
