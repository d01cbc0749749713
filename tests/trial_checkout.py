"""A checkout in miniature for the tests of `dev.py`: its own packages, made here, and no index to ask."""

import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

REAL = Path(__file__).resolve().parents[1]

# A build backend in the tree (PEP 517, PEP 660): an editable install is one .pth file.
_BACKEND = """\
import os, sys, zipfile

def build_editable(folder, config_settings=None, metadata_directory=None):
    name = "spotify_insights-1-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(folder, name), "w") as wheel:
        wheel.writestr("spotify_insights.pth", os.path.join(os.getcwd(), "src"))
        info = "spotify_insights-1.dist-info/"
        wheel.writestr(info + "METADATA", "Metadata-Version: 2.1\\nName: spotify-insights\\nVersion: 1\\n")
        wheel.writestr(info + "WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr(info + "RECORD", "")
    return name
"""
# What the person who runs the tests has set must not reach the trial.
_NOT_OURS = {"DATABASE_URL", "REDIS_URL", "PYTHONPATH"}
_PROGRAM = """\
import json, sys
import %s
print(json.dumps({"arguments": sys.argv[1:], "prefix": sys.prefix}))
"""


class TrialCheckout:
    """A checkout at `root` whose product says how it was called; `wheels` is its whole package index."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.wheels = root.parent / "wheels"
        self.wheels.mkdir(parents=True)
        product = root / "src" / "spotify_insights"
        product.mkdir(parents=True)
        shutil.copy(REAL / "dev.py", root)
        shutil.copytree(
            REAL / "development", root / "development", ignore=shutil.ignore_patterns("__pycache__")
        )
        (root / "pyproject.toml").write_text(
            '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
        )
        (root / "backend.py").write_text(_BACKEND)
        (product / "__init__.py").touch()
        (product / "__main__.py").write_text(_PROGRAM % "for_product")
        self.lock("requirements.txt", self.add_wheel("for_product"))
        self.lock("requirements-embedded.txt", self.add_wheel("for_servers"))
        self.lock("requirements-dev.txt", self.add_wheel("pytest", main=_PROGRAM % "for_product"))

    def add_wheel(self, name: str, *, main: str = "", platform: str = "any") -> str:
        """Put a package of one module into the index; returns its line for a requirements file."""
        path = self.wheels / f"{name}-1-py3-none-{platform}.whl"
        with zipfile.ZipFile(path, "w") as wheel:
            wheel.writestr(f"{name}/__init__.py", "")
            wheel.writestr(f"{name}/__main__.py", main)
            info = f"{name}-1.dist-info/"
            wheel.writestr(info + "METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
            wheel.writestr(
                info + "WHEEL", f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-{platform}\n"
            )
            wheel.writestr(info + "RECORD", "")
        return f"{name}==1 --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}\n"

    def lock(self, file: str, line: str) -> None:
        (self.root / file).write_text(line)

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, str(self.root / "dev.py"), *arguments]

    def environment(self, changes: Mapping[str, str] | None = None) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name not in _NOT_OURS}
        return {**kept, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(self.wheels), **(changes or {})}

    def run(
        self, *arguments: str, environment: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run `dev.py` with the arguments, to its end."""
        return subprocess.run(  # noqa: S603  (our own program)
            self.command(*arguments),
            check=False,
            capture_output=True,
            text=True,
            env=self.environment(environment),
            cwd="/",
            timeout=120,
        )
