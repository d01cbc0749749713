"""Beat, with the schedule of the suite."""

from chaos.processes.begin import begin
from spotify_insights.worker.serve import run_beat

if __name__ == "__main__":
    begin()
    run_beat()
