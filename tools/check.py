"""Run the ecosystem's checkers on the built charm: tools/check.py docker-registry.charm

Any error or warning fails. Rules that cannot apply are disabled here, each with its reason.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import build
import environment
import pythons

ROOT = Path(__file__).resolve().parent.parent
CHECKERS = ROOT / ".venv-checkers"

CHARMCRAFT_IGNORES = (
    "naming-conventions",  # options keep the names of the charm that this one succeeds: docker_runtime
)
CHARMLINT_IGNORES = (
    "CHARMCRAFT-002",  # the same names
    "SECURITY-001",  # such options keep their type, and accept the URI of a secret too
    "ACTIONS-001",  # requires observers of the ops framework; here each action is a file in actions/
    "TESTING-001",  # requires tests/unit in the charm; they stay in the repository
)


def main(charm: Path) -> int:
    """Run all checkers; return 0 if they report no problem."""
    ensure_checkers()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch, "docker-registry")  # charm-proof wants the folder named as the charm
        build.unpack(charm, folder)
        problems = [*_charm_proof(folder), *_charmcraft(charm.resolve()), *_charmlint(folder)]
    for problem in problems:
        print(problem)
    return 1 if problems else 0


def ensure_checkers() -> None:
    """Create the environment of the checkers unless it is as locked."""
    environment.main([CHECKERS.name, "requirements-checkers.lock", *_newest_python()])


def _newest_python() -> list[str]:
    """A Python that charmlint runs on, if there is one."""
    return [version for version in pythons.at_hand() if version not in ("3.10", "3.11")][-1:]


def _run(command: list[str]) -> str:
    environment = {**os.environ, "PYTHONWARNINGS": "ignore", "NO_COLOR": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    return done.stdout if done.stdout else done.stderr


def _charm_proof(folder: Path) -> list[str]:
    output = _run([str(Path(sys.executable).with_name("charm-proof")), str(folder)])
    _report("charm-proof", output.count("\nI: ") + output.startswith("I: "))
    return [f"charm-proof: {line}" for line in output.splitlines() if not line.startswith("I: ")]


def _charmcraft(charm: Path) -> list[str]:
    # Its own option --ignore has no effect on JSON.
    output = _run([str(CHECKERS / "bin/charmcraft"), "analyse", "--format=json", str(charm)])
    results = json.loads(output)
    lints = [found for found in results if found["check_type"] == "lint" and found["name"] not in CHARMCRAFT_IGNORES]
    _report("charmcraft analyse", 0)
    good = ("ok", "nonapplicable")
    return [f"charmcraft: {lint['name']}: {lint['text']}" for lint in lints if lint["result"] not in good]


def _charmlint(folder: Path) -> list[str]:
    program = CHECKERS / "bin/charmlint"
    if not program.exists():
        print("charmlint: skipped, because it requires Python 3.12 or later")
        return []
    options = ["--strict", "--quiet", "--min-severity=warning", f"--ignore={','.join(CHARMLINT_IGNORES)}"]
    output = _run([str(program), *options, str(folder)])
    _report("charmlint", 0)
    return [f"charmlint: {line}" for line in output.splitlines()]


def _report(checker: str, hints: int) -> None:
    print(f"{checker}: done" + (f", {hints} hints ignored" if hints else ""))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
