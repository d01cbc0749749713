"""The fingerprint of an insight: equal where generating again could only give the same thing."""

import hashlib
import json
from uuid import UUID

from spotify_insights.insights.types import InsightType, ToneMode
from spotify_insights.listening.time_range import SnapshotRange


def fingerprint(
    *,
    user_id: UUID,
    insight_type: InsightType,
    tone: ToneMode,
    time_range: SnapshotRange,
    snapshot_hash: str,
    prompt_version: str,
    schema_version: str,
    model: str,
    locale: str,
) -> str:
    """SHA-256 in hexadecimal over the canonical JSON of everything that shapes the text.

    The JSON has sorted keys, no white space and ASCII only, so equal arguments give an equal
    fingerprint in every process and release; a change of any argument changes it.
    """
    shaping = {
        "insight_type": insight_type.value,
        "locale": locale,
        "model": model,
        "prompt_version": prompt_version,
        "schema_version": schema_version,
        "snapshot_hash": snapshot_hash,
        "time_range": time_range.value,
        "tone": tone.value,
        "user_id": str(user_id),
    }
    canonical = json.dumps(shaping, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
