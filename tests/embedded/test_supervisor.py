import os
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import psutil
import pytest

from server_trials import PROGRAMS, all_gone, eventually, family_of


@contextmanager
def supervising(folder: Path, *stages: str) -> Generator[subprocess.Popen[str]]:
    """Run the trial supervisor; what is left of it at the end is killed."""
    command = [sys.executable, str(PROGRAMS / "supervise.py"), str(folder), *stages]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as supervisor:  # noqa: S603  (our own)
        try:
            yield supervisor
        finally:
            supervisor.kill()


def said_until(supervisor: subprocess.Popen[str], last: str) -> list[str]:
    """The lines it says up to and with the one that begins with `last`, or all of them."""
    lines: list[str] = []
    assert supervisor.stdout is not None
    for line in supervisor.stdout:
        lines.append(line.rstrip("\n"))
        if line.startswith(last):
            break
    return lines


def events(folder: Path) -> list[str]:
    file = folder / "events"
    return file.read_text().splitlines() if file.exists() else []


def has_started(folder: Path, name: str, *, times: int) -> bool:
    return events(folder).count(f"{name} starts") == times


@pytest.mark.parametrize("stop_signal", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_stages_stop_in_reverse_order_on_every_polite_request(
    tmp_path: Path, stop_signal: signal.Signals
) -> None:
    with supervising(tmp_path, "well", "--", "also-well") as supervisor:
        assert said_until(supervisor, "ready") == ["ready"]
        supervisor.send_signal(stop_signal)
        assert said_until(supervisor, "over") == ["stopping", "over"]
        assert supervisor.wait(timeout=10) == 0
    assert events(tmp_path)[2:] == ["also-well stops", "well stops"]


def test_a_child_that_does_not_listen_is_killed_after_its_deadline(tmp_path: Path) -> None:
    with supervising(tmp_path, "well", "stubborn") as supervisor:
        said_until(supervisor, "ready")
        family = family_of(supervisor.pid)[1:]
        supervisor.terminate()
        said_until(supervisor, "over")
        assert all_gone(family, within=0)
    assert events(tmp_path)[-1] == "well stops"


def test_a_second_ctrl_c_hurries(tmp_path: Path) -> None:
    with supervising(tmp_path, "slow") as supervisor:
        said_until(supervisor, "ready")
        family = family_of(supervisor.pid)[1:]
        supervisor.send_signal(signal.SIGINT)
        said_until(supervisor, "stopping")
        supervisor.send_signal(signal.SIGINT)
        # Long before the 20 s that it would take, and the 30 s that it has.
        assert eventually(lambda: supervisor.poll() is not None, within=10)
        assert all_gone(family, within=0)
    assert "slow stops" not in events(tmp_path)


def test_a_child_that_falls_is_started_again_and_the_terminal_says_so(tmp_path: Path) -> None:
    with supervising(tmp_path, "well", "also-well") as supervisor:
        said_until(supervisor, "ready")
        for fall, pause in enumerate(("0.5 s", "1 s"), start=1):
            children = family_of(supervisor.pid)[1:]
            next(child for child in children if "also-well" in child.cmdline()).kill()
            expected = f"also-well stopped unexpectedly (ended by SIGKILL); starting it again in {pause}."
            assert said_until(supervisor, "also-well")[-1].startswith(expected)
            assert eventually(partial(has_started, tmp_path, "also-well", times=fall + 1))
        supervisor.terminate()
        said_until(supervisor, "over")
    assert sorted(events(tmp_path)[-2:]) == ["also-well stops", "well stops"]


def test_what_a_fallen_child_has_started_does_not_meet_its_successor(tmp_path: Path) -> None:
    with supervising(tmp_path, "parent") as supervisor:
        said_until(supervisor, "ready")
        parent, grandchild = family_of(supervisor.pid)[1:]
        parent.kill()
        said_until(supervisor, "parent stopped unexpectedly")
        assert all_gone([grandchild])


def test_a_child_that_ends_before_it_is_ready_ends_everything_with_its_last_words(tmp_path: Path) -> None:
    with supervising(tmp_path, "well", "--", "failing") as supervisor:
        said = said_until(supervisor, "over")
        assert said == [
            f"failed: failing could not start: the moon is in the way (log: {tmp_path / 'failing.log'})",
            "over",
        ]
    assert events(tmp_path) in (["well starts", "well stops"], [])


def test_nothing_is_left_of_a_killed_supervisor_and_its_programs(tmp_path: Path) -> None:
    with supervising(tmp_path, "well", "stubborn", "--", "slow") as supervisor:
        said_until(supervisor, "ready")
        family = psutil.Process(supervisor.pid).children(recursive=True)
        assert len(family) == 3
        os.kill(supervisor.pid, signal.SIGKILL)
        assert all_gone(family)
