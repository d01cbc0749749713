"""Whether two stretches of time are known alike: if not, they may differ for that reason alone."""

from typing import Final

from spotify_insights.listening.analytics.evidence import Missing
from spotify_insights.listening.analytics.feature_profile import FeatureFigures

STEADY_COVERAGE: Final = 0.1
"""From this change on, a difference may be one of what is known and not of the music."""

STEADY_SUPPLIERS: Final = 0.1
"""From this part of the weight on, a difference may be one of who measured and not of the music.

Suppliers measure in different ways. Where they disagree by a fifth of the scale, and less than a tenth of the
weight has changed suppliers, the centre moves for that reason by less than a fiftieth of the scale.
"""

# What adds up to just this much may miss it by float noise.
_DECIMALS: Final = 9


def coverage_changed(share: float, share_before: float) -> bool:
    """If so much more or less is known that the two cannot be compared as they are."""
    return round(abs(share - share_before), _DECIMALS) >= STEADY_COVERAGE


def suppliers_changed(now: FeatureFigures, before: FeatureFigures) -> bool:
    """If so much is known from others than before that the two cannot be compared as they are.

    What changed is `sum |p - q| / 2` over all suppliers, p and q their parts of what is known: the total
    variation distance, the least part of the weight that must have gone from one supplier to another.
    """
    shares = {each.provider: each.share for each in now.providers}
    shares_before = {each.provider: each.share for each in before.providers}
    changed = sum(
        abs(shares.get(name, 0.0) - shares_before.get(name, 0.0)) for name in {*shares, *shares_before}
    )
    return round(changed / 2, _DECIMALS) >= STEADY_SUPPLIERS


def why_incomparable(now: FeatureFigures, before: FeatureFigures) -> Missing | None:
    """None where a feature is known alike in both."""
    if coverage_changed(now.coverage, before.coverage):
        return Missing.COVERAGE_CHANGED
    return Missing.SUPPLIERS_CHANGED if suppliers_changed(now, before) else None
