"""A relay by itself, as `spotify-insights relay` runs it."""

from chaos.processes.begin import begin
from spotify_insights.worker.serve import run_relay

if __name__ == "__main__":
    begin()
    run_relay(metrics_host="127.0.0.1", metrics_port=None)
