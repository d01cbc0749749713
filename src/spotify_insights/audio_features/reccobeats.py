"""ReccoBeats, which supplies audio features on Spotify's scale to everybody.

Source: https://reccobeats.com/docs/apis/get-audio-features
"""

import re
import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlsplit

import httpx2
from pydantic import BaseModel, ConfigDict, ValidationError
from typing_extensions import override

from spotify_insights.audio_features.errors import ProviderRateLimitedError, ProviderUpstreamError
from spotify_insights.audio_features.provider import AudioFeatureProvider, ProviderUnavailableError
from spotify_insights.audio_features.values import AudioFeatures, believable
from spotify_insights.observability import get_logger
from spotify_insights.outbound.exchange import Answer, Exchanges, headers_with
from spotify_insights.outbound.pace import OwnPace, Pace
from spotify_insights.outbound.retry_after import wait_asked_for

API_URL: Final = "https://api.reccobeats.com"
RECCOBEATS: Final = "reccobeats"
IDS_PER_CALL: Final = 30
"""It takes 40; from 41 on it refuses the whole call."""
RECCOBEATS_APART: Final = timedelta(seconds=1)
"""How long after one call the next begins at the earliest. Its limits are not published."""
SPOTIFY_ID: Final = re.compile(r"[0-9A-Za-z]{22}")

_NAME: Final = "ReccoBeats"
_FEATURES: Final = "/v1/audio-features"
_WAIT_WHERE_NONE_IS_NAMED: Final = timedelta(minutes=1)
# What may be the fault of one id among those asked for. Every other refusal is about us.
_ABOUT_THE_BATCH: Final = frozenset([400, 404, 413, 414, 422, 431])
# One id that it dislikes is found by halves within six refusals in a row, of 30, 15, 8, 4, 2 and 1 ids, and
# a few beside each other within twelve. Where there are more, it refuses whatever we ask.
_MOST_REFUSALS_IN_A_ROW: Final = 12
# 4xx that are no refusal: the request came too late or too early (RFC 9110, section 15.5.9; RFC 8470).
_PASSING: Final = frozenset([408, 425])
_log = get_logger(__name__)


class _BatchRefusedError(Exception):
    """It does not answer for these ids together."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class _Answer(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    content: list[dict[str, Any]]


class ReccoBeats(AudioFeatureProvider):
    """A pool of connections to ReccoBeats, shared by all threads of a process.

    Args:
        api_url: where its API lives, without `/v1`.
        transport: carries the requests; the default opens sockets that respect `total_limit`.
        total_limit: the longest that one exchange may take from first to last byte.
        pace: which calls keep; the default is this client's own, RECCOBEATS_APART.
    """

    name: Final = RECCOBEATS

    def __init__(
        self,
        *,
        api_url: str = API_URL,
        transport: httpx2.BaseTransport | None = None,
        total_limit: timedelta = timedelta(seconds=15),
        pace: Pace | None = None,
    ) -> None:
        self._api_url = api_url.rstrip("/")
        self._exchanges = Exchanges(transport=transport, total_limit=total_limit, body_limit=256 * 1024)
        self._pace = pace or OwnPace(RECCOBEATS_APART)

    def close(self) -> None:
        """Close all connections. Safe to repeat."""
        self._exchanges.close()

    @override
    def fetch(self, spotify_ids: Sequence[str], /) -> Mapping[str, AudioFeatures]:
        """As promised by `AudioFeatureProvider`: one call for each thirty ids, each in its turn.

        Ids that Spotify cannot have given are not asked for. A value that cannot be is unknown. Ids for which
        it refuses a call are asked for by halves, so that the others are told; the one for which it refuses
        is unknown.

        Raises:
            ProviderUnavailableError: it refuses us, whatever we ask.
            ProviderRateLimitedError, ProviderUpstreamError: waiting helps.
        """
        asked = [spotify_id for spotify_id in spotify_ids if SPOTIFY_ID.fullmatch(spotify_id)]
        told: dict[str, AudioFeatures] = {}
        refused_in_a_row = 0
        was_answered = False
        # The next batch stands last.
        batches = [asked[start : start + IDS_PER_CALL] for start in range(0, len(asked), IDS_PER_CALL)][::-1]
        while batches:
            batch = batches.pop()
            try:
                told |= self._ask(batch)
            except _BatchRefusedError as refusal:
                refused_in_a_row += 1
                if len(batch) > 1:
                    middle = (len(batch) + 1) // 2
                    batches += [batch[middle:], batch[:middle]]
                elif not (batches or was_answered):
                    # Nothing says that it would answer for any other id.
                    raise _refuses_us(refusal.status) from None
                if refused_in_a_row > _MOST_REFUSALS_IN_A_ROW:
                    raise _refuses_us(refusal.status) from None
            else:
                refused_in_a_row, was_answered = 0, True
        return told

    def _ask(self, ids: Sequence[str]) -> dict[str, AudioFeatures]:
        if (away := self._pace.begin()) is not None:
            raise ProviderRateLimitedError(_NAME, wait=away)
        started = time.monotonic()
        answer = self._exchanges.exchange(
            httpx2.Request(
                "GET",
                self._api_url + _FEATURES,
                params=[("ids", spotify_id) for spotify_id in ids],
                headers=headers_with(None),
            )
        )
        status = answer.status if isinstance(answer, Answer) else None
        elapsed = round((time.monotonic() - started) * 1000)
        _log.info("reccobeats call", method="GET", path=_FEATURES, status=status, ms=elapsed, ids=len(ids))
        if not isinstance(answer, Answer):
            raise ProviderUpstreamError(_NAME, detail=answer.detail)
        wait = wait_asked_for(answer.retry_after)
        if answer.status == 429 or (answer.status == 503 and wait is not None):
            wait = wait or _WAIT_WHERE_NONE_IS_NAMED
            self._pace.stay_away(wait)
            raise ProviderRateLimitedError(_NAME, wait=wait)
        if answer.status in _ABOUT_THE_BATCH:
            raise _BatchRefusedError(answer.status)
        if 400 <= answer.status < 500 and answer.status not in _PASSING:
            raise _refuses_us(answer.status)
        if answer.status != 200:
            raise ProviderUpstreamError(_NAME, detail=f"status {answer.status}")
        return _features_in(answer.body, frozenset(ids))


def _refuses_us(status: int) -> ProviderUnavailableError:
    return ProviderUnavailableError(
        f"{_NAME} refuses our calls (status {status}). If this stays, switch it off with RECCOBEATS=off and "
        "look for a newer version of this program."
    )


def _features_in(body: bytes, asked: frozenset[str]) -> dict[str, AudioFeatures]:
    """By Spotify id, which stands in the address of each entry alone; entries come in any order."""
    try:
        entries = _Answer.model_validate_json(body).content
    except ValidationError:
        raise ProviderUpstreamError(_NAME, detail="an answer that cannot be read") from None
    by_id = {_spotify_id(entry.get("href")): believable(entry) for entry in reversed(entries)}
    if entries and by_id.keys() == {None}:
        raise ProviderUpstreamError(_NAME, detail="an answer that names no track")
    return {
        spotify_id: features
        for spotify_id, features in by_id.items()
        if spotify_id in asked and not features.is_empty
    }


def _spotify_id(href: object) -> str | None:
    """The last part of the path, as in https://open.spotify.com/track/6rqhFgbbKwnb9MLmUQDhG6."""
    if not isinstance(href, str):
        return None
    try:
        last = urlsplit(href).path.rstrip("/").rpartition("/")[2]
    except ValueError:
        return None
    return last if SPOTIFY_ID.fullmatch(last) else None
