"""What the relay of this process has done, for Prometheus."""

from typing import Final

from prometheus_client import Counter

PUBLISHED: Final = Counter(
    "spotify_insights_relay_published_messages",
    "Messages about due jobs that this process handed to the broker.",
    ["queue"],
)
REPUBLISHED: Final = Counter(
    "spotify_insights_relay_republished_messages",
    "Of these, messages about jobs that the broker had been told of before.",
    ["queue"],
)
BROKER_FAILURES: Final = Counter(
    "spotify_insights_relay_broker_failures",
    "Times that the broker did not take a batch from this process, or did not answer when it was looked at.",
)
BROKER_LOSSES: Final = Counter(
    "spotify_insights_relay_broker_losses", "Times this process found that the broker had lost its messages."
)
LEASES_EXPIRED: Final = Counter(
    "spotify_insights_relay_expired_leases",
    "Running jobs whose worker gave no sign of life in time, by what became of them.",
    ["became"],
)
SLOTS_FIRED: Final = Counter(
    "spotify_insights_relay_fired_slots", "Moments of the schedule that this process fired.", ["schedule"]
)
