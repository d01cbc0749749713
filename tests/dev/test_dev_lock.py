import json
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from trial_checkout import TrialCheckout

# It writes down how it was called, in place of what the real one would find out from an index.
_UV = """\
#!{python}
import json, sys
target = sys.argv[sys.argv.index("--output-file") + 1]
json.dump({{"arguments": sys.argv[1:], "input": sys.stdin.read()}}, open(target, "w"))
"""


@pytest.fixture
def checkout(tmp_path: Path) -> TrialCheckout:
    checkout = TrialCheckout(tmp_path / "checkout")
    with (checkout.root / "pyproject.toml").open("a") as project:
        project.write(
            '[project]\nname = "x"\noptional-dependencies.embedded = ["one-server==1", "other-server==2"]\n'
        )
    return checkout


def test_the_three_files_are_renewed_one_within_the_other(checkout: TrialCheckout, tmp_path: Path) -> None:
    uv = tmp_path / "bin" / "uv"
    uv.parent.mkdir()
    uv.write_text(_UV.format(python=sys.executable))
    uv.chmod(0o755)
    finished = checkout.run("lock", "--upgrade", environment={"PATH": str(uv.parent)})
    assert finished.returncode == 0, finished.stderr
    called = {
        name: json.loads((checkout.root / name).read_text())
        for name in ("requirements.txt", "requirements-dev.txt", "requirements-embedded.txt")
    }
    for call in called.values():
        wanted = {"--generate-hashes", "--universal", "--no-emit-index-url", "--upgrade"}
        assert wanted <= set(call["arguments"])
    groups = {
        name: [option for before, option in pairwise(call["arguments"]) if before == "--group"]
        for name, call in called.items()
    }
    assert groups == {
        "requirements.txt": ["build"],
        "requirements-dev.txt": ["dev", "build"],
        "requirements-embedded.txt": [],
    }
    # The later two must agree with the first, which is what an installation has.
    for name in ("requirements-dev.txt", "requirements-embedded.txt"):
        assert ("-c", "requirements.txt") in pairwise(called[name]["arguments"])
    assert called["requirements-embedded.txt"]["input"].split() == ["one-server==1", "other-server==2"]


def test_without_uv_the_lock_command_says_so(checkout: TrialCheckout, tmp_path: Path) -> None:
    finished = checkout.run("lock", environment={"PATH": str(tmp_path)})
    assert finished.returncode == 1
    assert finished.stderr == "dev.py lock needs uv on the PATH; install it with pipx install uv.\n"
