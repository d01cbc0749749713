"""Supervise trial children in two stages until told to stop; every line it says goes to standard output.

Arguments: FOLDER, then the behaviours (see `trial_child.py`) of the first stage, `--`, and of the second.
"""

import os
import sys
from pathlib import Path

from spotify_insights.cli.processes import Process, StopRequested, Supervisor
from spotify_insights.errors import SetupError

folder = Path(sys.argv[1])
stages = " ".join(sys.argv[2:]).split("--")


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def trial(behaviour: str) -> Process:
    return Process(
        behaviour,
        [sys.executable, str(Path(__file__).with_name("trial_child.py")), behaviour, str(folder)],
        env=os.environ,
        ready_file=folder / f"{behaviour}.ready",
        log=folder / f"{behaviour}.log",
        # The stubborn one gets little patience, so that the test need not have much.
        stop_deadline=0.5 if behaviour == "stubborn" else 30,
    )


with Supervisor(say) as supervisor:
    try:
        for stage in stages:
            supervisor.launch(*(trial(behaviour) for behaviour in stage.split()))
        supervisor.wait_until_ready()
        say("ready")
        supervisor.watch()
    except StopRequested:
        say("stopping")
    except SetupError as error:
        say(f"failed: {error}")
say("over")
