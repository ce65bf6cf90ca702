"""Create or renew a virtual environment from a lock file: tools/environment.py FOLDER LOCK [VERSION].

Needs Python 3.10 or later and, on Debian and Ubuntu, root once for the package python3-venv.
VERSION (e.g. 3.12) selects a Python; by default it is the one that runs this script.
Nothing is done if the lock is unchanged since the last run.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import locked
import pythons

ROOT = Path(__file__).resolve().parent.parent
BACKENDS = ("packaging", "pbr", "setuptools", "wheel")
"""Locked packages that build packages which are published as source only."""

LOCALJUJU = """#!{python} -IS
import sys

sys.path[:0] = [{checkout!r}, {packages!r}]

from localjuju.cli import main

sys.exit(main())
"""


def main(arguments: list[str]) -> int:
    """Create the environment; return 0 if it exists and is as locked."""
    folder, lock = ROOT / arguments[0], ROOT / arguments[1]
    version = arguments[2] if len(arguments) > 2 else None
    state = hashlib.sha256(f"{version} ".encode() + lock.read_bytes()).hexdigest()
    with open(ROOT / f"{folder.name}.lock", "w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)  # two runs at once would break each other
        stamp = folder / "locked"
        if not (stamp.exists() and stamp.read_text() == state and (folder / "bin/python").exists()):
            _make(folder, lock, _python(version))
            stamp.write_text(state)
        if folder.name == ".venv":
            _reach_localjuju(folder)
    return 0


def _make(folder: Path, lock: Path, python: str) -> None:
    print(f"Creating {folder.name} from {lock.name} with {python} ...", flush=True)
    _ensure_venv(python)
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run([python, "-m", "venv", str(folder)], check=True)
    _install(folder, lock)


def _python(version: str | None) -> str:
    if version is None and sys.version_info >= (3, 10):
        return sys.executable
    found = pythons.at_hand()
    if version is None and found:
        return next(iter(found.values()))
    if version not in found:
        sys.exit(f"Python {version or '3.10 or later'} is required. Install it, then run this again.")
    return found[str(version)]


def _ensure_venv(python: str) -> None:
    if importlib.util.find_spec("ensurepip") or python != sys.executable:
        return
    command = ["apt-get", "install", "-y", "-qq", "python3-venv"]
    if not shutil.which("apt-get") or os.geteuid() != 0:
        sys.exit(f"Python's venv is missing. Install it, for example with: sudo {' '.join(command)}")
    print("Installing the package python3-venv ...", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["apt-get", "update", "-qq"], check=True, env=environment)
    subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)


def _install(folder: Path, lock: Path) -> None:
    pip = [str(folder / "bin/python"), "-m", "pip", "-qq", "--disable-pip-version-check", "install"]
    exact = [*pip, "--require-hashes", "--no-deps", "--no-build-isolation"]
    backends = folder / "backends.txt"
    backends.write_text("".join(text for name, text in locked.entries(lock) if name in BACKENDS))
    subprocess.run([*exact, "-r", str(backends)], check=True)
    subprocess.run([*exact, "-r", str(lock)], check=True)


def _reach_localjuju(folder: Path) -> None:
    """Add this checkout to the environment's path, and the command localjuju to its folder bin.

    The command contains the paths of its two folders, because the module site would search for them at each start.
    """
    packages = next(folder.glob("lib/python3*/site-packages"))
    (packages / "checkout.pth").write_text(f"{ROOT}\n")
    command = folder / "bin/localjuju"
    text = LOCALJUJU.format(python=folder / "bin/python", checkout=str(ROOT), packages=str(packages))
    if not command.exists() or command.read_text() != text:
        fresh = command.with_name("localjuju.new")
        fresh.write_text(text)
        fresh.chmod(0o755)
        fresh.replace(command)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
