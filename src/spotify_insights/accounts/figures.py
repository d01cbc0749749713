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
           'connections', json_build_object(
               'connected', connections.connected, 'reauth_required', connections.reauth_required),
           'reauthorization_days', connections.days_to_first_end)::text
      -- It counts everybody's connections and shows nobody's.
      FROM spotify_connection_figures() AS connections
"""


def account_figures(client_id: str) -> HotRead:
    """The calls and connections of the app with this client id.

    `calls_today` counts reserved calls of this day (UTC). `paused_seconds`: for how long Spotify refuses the
    app yet, 0 where it does not. `connections` has a number for every status. `reauthorization_days` is null
    where nobody is connected, otherwise the time until the first connection ends.
    """
    return HotRead(_FIGURES, {"client_id": client_id})
