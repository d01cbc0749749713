"""Answering a view: from the cache, else computed from the listener's history as it is now."""

from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final
from uuid import UUID

import msgspec
import numpy as np
from starlette.requests import Request
from starlette.responses import Response

from spotify_insights.cache.keys import LIST_TTL, Entry, history_view
from spotify_insights.database.actor import Actor
from spotify_insights.listening.analytics.local_time import day_begins, day_number
from spotify_insights.listening.analytics.play_rule import PlayRule
from spotify_insights.listening.views.asked import (
    Asked,
    chosen_counting,
    chosen_period,
    period_document,
)
from spotify_insights.listening.views.documents import Computed, Document, View
from spotify_insights.listening.views.history import ListenerHistory
from spotify_insights.web.histories import Histories
from spotify_insights.web.hot_reads import HotReads, answer_body
from spotify_insights.web.listening_views.asking import name_of
from spotify_insights.web.listening_views.known_names import KnownNames

_SHORTEST_TTL: Final = timedelta(milliseconds=1)


class Views:
    """Answers every view of the histories of this installation's listeners.

    Args:
        default_rule: what counts as a play where neither the request nor the listener says it.
    """

    def __init__(self, reads: HotReads, histories: Histories, default_rule: PlayRule) -> None:
        self._reads = reads
        self._histories = histories
        self._names = KnownNames(reads)
        self._default_rule = default_rule

    async def answer(
        self,
        request: Request,
        user_id: UUID,
        asked: Asked,
        view: View,
        *choices: object,
        acting_for: Actor,
    ) -> Response:
        """The view's document with a strong ETag, or 304 where the client has it already.

        Args:
            choices: what makes this view differ from others at the same address.

        Raises:
            NotFoundError: there is no such listener for this actor.
            InvalidInputError: the period cannot be.
            UnavailableError: the database does not answer.
        """
        entry = history_view(
            user_id,
            reader=acting_for.name,
            view=request.scope["path"],
            asked=name_of(asked, self._default_rule, *choices),
        )
        found = await self._reads.cache.look_up(entry)
        if found.value is not None:
            return answer_body(request, found.value)
        history = await self._histories.of(user_id, acting_for=acting_for)
        computed, shared, ends_at = await self._histories.compute(
            history, partial(_compute, history, asked, view, self._default_rule)
        )
        names = await self._names.of(computed, acting_for=acting_for)
        body = msgspec.json.encode({"user_id": history.user_id, **shared, **computed.document(names)})
        if found.version is not None:
            await self._reads.cache.keep(kept_until(entry, history.now, ends_at), body, version=found.version)
        return answer_body(request, body)


def _compute(
    history: ListenerHistory, asked: Asked, view: View, default_rule: PlayRule
) -> tuple[Computed, Document, int]:
    """The view, what all views say in the same way, and the Unix second at which the listener's day ends."""
    period = chosen_period(asked, timezone=history.timezone, now=history.now)
    counting = chosen_counting(asked, history.preferences, default_rule=default_rule)
    tomorrow = np.array([day_number(period.today) + 1], np.int64)
    return (
        view(history, period, counting),
        {"period": period_document(history, period), "counting": counting},
        int(day_begins(tomorrow, period.timezone)[0]),
    )


def kept_until(entry: Entry, now: datetime, ends_at: int) -> Entry:
    """The entry, gone at the listener's midnight at the latest: then other days are meant."""
    left = timedelta(seconds=ends_at - now.timestamp())
    return replace(entry, ttl=max(min(LIST_TTL, left), _SHORTEST_TTL))
