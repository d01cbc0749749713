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
from spotify_insights.audio_features.pace import Pace
from spotify_insights.audio_features.provider import AudioFeatureProvider, ProviderUnavailableError
from spotify_insights.audio_features.values import AudioFeatures, believable
from spotify_insights.observability import get_logger
from spotify_insights.outbound.exchange import Answer, Exchanges, headers_with
from spotify_insights.outbound.retry_after import wait_asked_for

API_URL: Final = "https://api.reccobeats.com"
RECCOBEATS: Final = "reccobeats"
IDS_PER_CALL: Final = 30
"""It takes 40; from 41 on it refuses the whole call."""
SPOTIFY_ID: Final = re.compile(r"[0-9A-Za-z]{22}")

_NAME: Final = "ReccoBeats"
_FEATURES: Final = "/v1/audio-features"
_WAIT_WHERE_NONE_IS_NAMED: Final = timedelta(minutes=1)
_log = get_logger(__name__)


class _Answer(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    content: list[dict[str, Any]]


class ReccoBeats(AudioFeatureProvider):
    """A pool of connections to ReccoBeats, shared by all threads of a process.

    Args:
        api_url: where its API lives, without `/v1`.
        transport: carries the requests; the default opens sockets that respect `total_limit`.
        total_limit: the longest that one exchange may take from first to last byte.
        apart: how long after one call the next begins at the earliest. Its limits are not published.
    """

    name: Final = RECCOBEATS

    def __init__(
        self,
        *,
        api_url: str = API_URL,
        transport: httpx2.BaseTransport | None = None,
        total_limit: timedelta = timedelta(seconds=15),
        apart: timedelta = timedelta(seconds=1),
    ) -> None:
        self._api_url = api_url.rstrip("/")
        self._exchanges = Exchanges(transport=transport, total_limit=total_limit, body_limit=256 * 1024)
        self._pace = Pace(apart)

    def close(self) -> None:
        """Close all connections. Safe to repeat."""
        self._exchanges.close()

    @override
    def fetch(self, spotify_ids: Sequence[str], /) -> Mapping[str, AudioFeatures]:
        """As promised by `AudioFeatureProvider`: one call for each thirty ids, a second apart.

        Ids that Spotify cannot have given are not asked for. A value that cannot be is unknown.

        Raises:
            ProviderUnavailableError: it refuses us, whatever we ask.
            ProviderRateLimitedError, ProviderUpstreamError: waiting helps.
        """
        asked = [spotify_id for spotify_id in spotify_ids if SPOTIFY_ID.fullmatch(spotify_id)]
        told: dict[str, AudioFeatures] = {}
        for start in range(0, len(asked), IDS_PER_CALL):
            told |= self._ask(asked[start : start + IDS_PER_CALL])
        return told

    def _ask(self, ids: Sequence[str]) -> dict[str, AudioFeatures]:
        self._pace.wait()
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
        if answer.status == 429:
            wait = wait_asked_for(answer.retry_after) or _WAIT_WHERE_NONE_IS_NAMED
            raise ProviderRateLimitedError(_NAME, wait=wait)
        if 400 <= answer.status < 500:
            raise ProviderUnavailableError(
                f"{_NAME} refuses our calls (status {answer.status}). If this stays, switch it off with "
                "RECCOBEATS=off and look for a newer version of this program."
            )
        if answer.status != 200:
            raise ProviderUpstreamError(_NAME, detail=f"status {answer.status}")
        return _features_in(answer.body, frozenset(ids))


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
