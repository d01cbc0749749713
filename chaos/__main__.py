"""`python3 dev.py chaos`: the command line of the suite."""

import argparse
import asyncio
import secrets
import shutil
import sys
import tempfile
from pathlib import Path

from rich.console import Console

from chaos.controls import BREAKS, control
from chaos.mutations import Without
from chaos.report import Figures, figures_of, print_report, write_json
from chaos.suite import Outcome, Scenario, run


def main() -> int:
    """Run what the arguments ask for; the exit code is 0 where every promise was kept."""
    arguments = _parser().parse_args()
    console = Console(highlight=False)
    seed = secrets.randbelow(1_000_000) if arguments.seed is None else arguments.seed
    if arguments.controls:
        wanted = [arguments.without] if arguments.without else list(Without)
        figures, good = _run_controls(wanted, seed, console)
        if arguments.json:
            write_json(figures, arguments.json)
        return 0 if good else 1
    scenario = (
        control(arguments.without, seed)
        if arguments.without
        else Scenario(seconds=arguments.minutes * 60, seed=seed)
    )
    outcome, figures = _run(scenario, console, keep=arguments.keep)
    print_report(figures, console)
    if arguments.json:
        write_json(figures, arguments.json)
    return 0 if outcome.verdict.is_good else 1


def _run_controls(wanted: list[Without], seed: int, console: Console) -> tuple[dict[str, Figures], bool]:
    every: dict[str, Figures] = {}
    good = True
    for without in wanted:
        console.print(f"Without {without}: this run has to fail.", style="bold")
        outcome, every[without] = _run(control(without, seed), console)
        number = outcome.verdict.findings[BREAKS[without]]
        if number:
            console.print(f"It fails as it must: {number} {BREAKS[without]}")
        else:
            good = False
            console.print(f"It did not show what it must: {BREAKS[without]}.", style="bold")
            print_report(every[without], console)
    console.print(
        "Every control was noticed." if good else "A control went unnoticed: the suite is blind.",
        style="bold",
    )
    return every, good


def _run(scenario: Scenario, console: Console, *, keep: bool = False) -> tuple[Outcome, Figures]:
    folder = Path(tempfile.mkdtemp(prefix="chaos-"))
    try:
        outcome = asyncio.run(run(scenario, say=console.print, folder=folder))
    except KeyboardInterrupt:
        shutil.rmtree(folder, ignore_errors=True)
        sys.exit(130)
    if keep or not (outcome.verdict.is_good or scenario.setting.without):
        console.print(f"Logs and data: {folder}")
    else:
        shutil.rmtree(folder, ignore_errors=True)
    return outcome, figures_of(outcome)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="dev.py chaos",
        description="Break everything that can break while jobs run, and account for every one of them.",
    )
    parser.add_argument("--minutes", type=float, default=5.0, help="how long there is load and trouble (5)")
    parser.add_argument("--seed", type=int, help="the plan of an earlier run")
    parser.add_argument(
        "--controls", action="store_true", help="show that the suite notices a protocol with a wall missing"
    )
    parser.add_argument("--without", type=Without, choices=list(Without), help="one short run without a wall")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there as well")
    parser.add_argument("--keep", action="store_true", help="keep logs and data of a run that went well, too")
    return parser


if __name__ == "__main__":
    sys.exit(main())
