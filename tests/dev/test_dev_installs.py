import fcntl
import json
import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from server_trials import eventually
from trial_checkout import TrialCheckout

ELSEWHERE = {"PIP_FIND_LINKS": "/nowhere"}
GIVEN = {"DATABASE_URL": "postgresql://me@host/name", "REDIS_URL": "redis://host"}


@pytest.fixture
def checkout(tmp_path: Path) -> TrialCheckout:
    return TrialCheckout(tmp_path / "check out")


def called(finished: subprocess.CompletedProcess[str]) -> list[str]:
    """The arguments that the product was called with, in its own environment."""
    assert finished.returncode == 0, finished.stdout + finished.stderr
    said = json.loads(finished.stdout.splitlines()[-1])
    assert said["prefix"].endswith("check out/.venv")
    return list(said["arguments"])


def test_the_first_start_installs_and_the_second_starts_at_once(checkout: TrialCheckout) -> None:
    first = checkout.run("up", "--port", "8001")
    assert called(first) == ["up", "--port", "8001"]
    assert first.stdout.startswith("Preparing .venv")
    # Without pip and an index nothing could be installed or even asked.
    for pip in (checkout.root / ".venv" / "lib").glob("python*/site-packages/pip"):
        shutil.rmtree(pip)
    with (checkout.root / "dev.py").open() as lock:
        # It would wait for this lock if it wanted to install anything.
        fcntl.flock(lock, fcntl.LOCK_EX)
        second = checkout.run("demo", "--help", environment=ELSEWHERE)
    assert called(second) == ["demo", "--help"]
    assert second.stdout.count("\n") == 1
    assert second.stderr == ""


@pytest.mark.slow
def test_tests_leave_out_the_slow_ones_unless_all_are_wanted(checkout: TrialCheckout) -> None:
    assert called(checkout.run("test", "-k", "word")) == ["-m", "not slow", "-k", "word"]
    assert called(checkout.run("test", "--all", "-x")) == ["-x"]
    # What is there for the tests is enough for the product too.
    assert called(checkout.run("up", environment=ELSEWHERE)) == ["up"]


@pytest.mark.slow
def test_a_changed_lock_file_is_installed_on_top(checkout: TrialCheckout) -> None:
    called(checkout.run("up"))
    (checkout.root / ".venv" / "mine").touch()
    checkout.lock("requirements.txt", checkout.add_wheel("for_product") + checkout.add_wheel("new_one"))
    assert checkout.run("shell", "-c", "import new_one").returncode == 0
    assert (checkout.root / ".venv" / "mine").exists()


@pytest.mark.slow
def test_an_interrupted_installation_is_begun_anew(checkout: TrialCheckout) -> None:
    process = subprocess.Popen(  # noqa: S603  (our own program)
        checkout.command("up"), env=checkout.environment(), stdout=subprocess.DEVNULL, start_new_session=True
    )
    # The first of several packages is there: what the environment holds looks whole, and is not.
    libraries = checkout.root / ".venv" / "lib"
    assert eventually(lambda: any(libraries.glob("python*/site-packages/for_product")), within=60)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait(timeout=10)
    leftover = checkout.root / ".venv" / "leftover"
    leftover.touch()
    assert called(checkout.run("up")) == ["up"]
    assert not leftover.exists()


@pytest.mark.slow
def test_a_moved_checkout_is_made_anew_and_a_healthy_handmade_one_kept(
    checkout: TrialCheckout, tmp_path: Path
) -> None:
    called(checkout.run("up"))
    mine = Path(".venv", "mine")
    (checkout.root / mine).touch()
    (checkout.root / ".venv" / "installed.json").unlink()
    called(checkout.run("up"))
    assert (checkout.root / mine).exists()

    moved = tmp_path / "moved" / "check out"
    moved.parent.mkdir()
    checkout.root = checkout.root.rename(moved)
    called(checkout.run("up"))
    assert not (checkout.root / mine).exists()


@pytest.mark.slow
def test_two_first_starts_at_once_make_one_environment(checkout: TrialCheckout) -> None:
    both = [
        subprocess.Popen(  # noqa: S603  (our own program)
            checkout.command("up", name), env=checkout.environment(), stdout=subprocess.PIPE, text=True
        )
        for name in ("one", "two")
    ]
    said = [process.communicate(timeout=120)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert sum("Preparing .venv" in text for text in said) == 1
    assert sum("Another dev.py" in text for text in said) == 1


@pytest.mark.slow
def test_a_platform_without_servers_is_told_unless_servers_are_given(checkout: TrialCheckout) -> None:
    checkout.lock("requirements-embedded.txt", checkout.add_wheel("for_servers", platform="win32"))
    (checkout.wheels / "for_servers-1-py3-none-any.whl").unlink()
    refused = checkout.run("up")
    assert refused.returncode == 1
    assert refused.stderr == (
        "for_servers==1 does not exist for this platform or this version of Python; try another Python. "
        "Or set DATABASE_URL and REDIS_URL to servers of your own, or use Docker.\n"
    )
    assert called(checkout.run("up", environment=GIVEN)) == ["up"]
    assert called(checkout.run("up", environment=GIVEN | ELSEWHERE)) == ["up"]
    # Without them it must not start half an installation.
    assert checkout.run("up").returncode == 1


@pytest.mark.slow
def test_failures_of_pip_become_one_sentence(checkout: TrialCheckout) -> None:
    unreachable = {"PIP_NO_INDEX": "0", "PIP_INDEX_URL": "http://127.0.0.1:1/simple", "PIP_FIND_LINKS": ""}
    failed = checkout.run("up", environment=unreachable)
    assert failed.returncode == 1
    assert failed.stderr == (
        "The packages could not be downloaded ([Errno 111] Connection refused); "
        "check the network and start again.\n"
    )
    checkout.lock("requirements.txt", "for_product==1 --hash=sha256:" + "0" * 64 + "\n")
    failed = checkout.run("up")
    assert failed.returncode == 1
    assert failed.stderr.startswith("The packages could not be installed: THESE PACKAGES DO NOT MATCH")
    assert failed.stderr.count("\n") == 1
