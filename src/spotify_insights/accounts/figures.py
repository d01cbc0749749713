"""How the installation stands with Spotify, in numbers, for /metrics."""

from typing import Final

from spotify_insights.database.hot_read import HotRead

CONNECTION_STATUSES: Final = ("connected", "reauth_required")

_FIGURES: Final = """
    SELECT json_build_object(
           'calls_today', coalesce((
               SELECT calls FROM spotify_app_days
                WHERE client_id = %(client_id)s AND day = (clock_timestamp() AT TIME ZONE 'UTC')::date), 0),
           'paused_seconds', coalesce((
               SELECT greatest(round(extract(epoch FROM not_before - clock_timestamp()), 3), 0)
                 FROM spotify_app_pauses WHERE client_id = %(client_id)s), 0),
           'connections', (
               SELECT json_object_agg(known.status, (
                          SELECT count(*) FROM spotify_tokens token WHERE token.status = known.status))
                 FROM unnest(CAST(%(statuses)s AS text[])) AS known (status)),
           'reauthorization_days', (
               -- Each by itself, because the greatest of nothing and zero is zero.
               SELECT min(greatest(extract(epoch FROM refresh_expires_at - clock_timestamp()) / 86400, 0))
                 FROM spotify_tokens WHERE status = 'connected'))::text
"""


def account_figures(client_id: str) -> HotRead:
    """The calls and connections of the app with this client id.

    `calls_today` counts reserved calls of this day (UTC). `paused_seconds`: for how long Spotify refuses the
    app yet, 0 where it does not. `connections` has a number for every status. `reauthorization_days` is null
    where nobody is connected, otherwise the time until the first connection ends.
    """
    return HotRead(_FIGURES, {"client_id": client_id, "statuses": list(CONNECTION_STATUSES)})
