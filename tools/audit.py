"""Ask PyPI which locked packages have known vulnerabilities: `make audit`.

Fails if one has, and also if a package could not be looked up: nothing is said to be safe without an answer.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import check

ROOT = Path(__file__).resolve().parent.parent
FIRST = "requirements.lock"
"""What the charm carries; the other locks are of the development."""


def main() -> int:
    """Audit each lock; return 0 if all packages were looked up and none has a known vulnerability."""
    check.ensure_checkers()
    locks = sorted(ROOT.glob("requirements*.lock"), key=lambda lock: (lock.name != FIRST, lock.name))
    problems = [f"{lock.name}: {problem}" for lock in locks for problem in _audit(lock)]
    print("\n".join(problems) or "No known vulnerability in any locked package.")
    return 1 if problems else 0


def _audit(lock: Path) -> Iterator[str]:
    options = ["--disable-pip", "--require-hashes", "--progress-spinner=off", "--format=json", "--desc=off"]
    command = [str(check.CHECKERS / "bin/python"), "-m", "pip_audit", *options, "-r", str(lock)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if not done.stdout:
        yield f"not audited: {(done.stderr.strip().splitlines() or ['pip-audit gave no answer'])[-1]}"
        return
    yield from find_problems(json.loads(done.stdout)["dependencies"])


def find_problems(packages: list[dict[str, Any]]) -> Iterator[str]:
    """Return the problems in what pip-audit says about *packages*."""
    skipped = [package["name"] for package in packages if "skip_reason" in package]
    if skipped:
        names = "all" if len(skipped) == len(packages) else ", ".join(skipped)
        yield f"{len(skipped)} of {len(packages)} packages not audited, because PyPI did not answer for them: {names}"
    for package in packages:
        for found in package.get("vulns", []):
            fixed = ", ".join(found["fix_versions"]) or "no version"
            yield f"{package['name']} {package['version']}: {found['id']}, fixed in {fixed}"


if __name__ == "__main__":
    sys.exit(main())
