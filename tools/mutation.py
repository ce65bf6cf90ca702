"""Mutation testing of the pure packages, by mutmut: tools/mutation.py SEED MODULES. `make mutation` runs it.

Small faults are put into a sample of MODULES modules, chosen by SEED, one at a time; a fault that no unit test of the
pure packages notices has survived. It works on a copy, in which `registry` is at the top: mutmut expects names of
modules to be paths. The result, with the commit, is in tests/mutation.md.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
REPORT = ROOT / "tests/mutation.md"
PACKAGES = ("formats", "images", "options", "release", "plan")
COPIED = ("lib", "tests", "tools", "localjuju", "interfaces", "reactive", "actions", "hooks", "templates", "docs")
FILES = ("config.yaml", "actions.yaml", "metadata.yaml", "layer.yaml", "charmcraft.yaml", "pyproject.toml")
SURVIVED, UNTESTED = 0, 33
"""What mutmut keeps as the exit code of tests that passed, and of a function that no test calls."""
REACH = 85
SECONDS = 1500


class Tally(NamedTuple):
    """The faults of one module."""

    module: str
    killed: int
    survived: tuple[str, ...]
    untried: int
    """Those that there was no time for."""


def main(arguments: list[str]) -> int:
    """Test the sample and write the report; return 0 if enough faults were noticed."""
    seed, number = map(int, arguments)
    modules = sample(ROOT / "lib/registry", seed, number)
    folder = ROOT / ".cache/mutation"
    _copy(folder, modules)
    program = [str(Path(sys.executable).parent / "mutmut"), "run", "--max-children", str(os.cpu_count() or 1)]
    _run(program, folder)
    tallies = [tally(module, codes) for module, codes in _read_codes(folder / "mutants", modules)]
    if not any(one.killed for one in tallies):
        sys.exit(f"mutmut failed: run {' '.join(program)} in {folder}")
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    text = render(tallies, seed, commit[:12])
    REPORT.write_text(text)
    print(text)
    return 0 if percent(tallies) >= REACH else 1


def _run(program: list[str], folder: Path) -> None:
    """Run *program*, but not longer than SECONDS: what it has found by then is kept."""
    with subprocess.Popen(program, cwd=folder, stdout=subprocess.DEVNULL, start_new_session=True) as running:
        try:
            running.wait(SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(running.pid, signal.SIGTERM)  # it and the tests that it has forked


def sample(package: Path, seed: int, number: int) -> list[str]:
    """Return *number* modules with code of the pure packages, by chance."""
    found = [path for name in PACKAGES for path in package.glob(f"{name}/**/*.py") if "def " in path.read_text()]
    names = sorted(str(path.relative_to(package.parent)) for path in found)
    return sorted(random.Random(seed).sample(names, min(number, len(names))))  # noqa: S311


def _copy(folder: Path, modules: list[str]) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    for name in COPIED:
        shutil.copytree(ROOT / name, folder / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    for name in FILES:
        shutil.copyfile(ROOT / name, folder / name)
    shutil.copytree(ROOT / "lib/registry", folder / "registry", ignore=shutil.ignore_patterns("__pycache__"))
    settings = {
        "source_paths": ["registry"],
        "only_mutate": modules,
        "also_copy": [*COPIED, *FILES],
        "pytest_add_cli_args": ["-q", "-p", "no:cacheprovider", "-m", "not soak"],
        "pytest_add_cli_args_test_selection": [f"tests/unit/registry/{name}" for name in PACKAGES],
    }
    path = folder / "pyproject.toml"
    text = path.read_text().replace('pythonpath = [\n    "lib"', 'pythonpath = [\n    ".", "lib"')
    path.write_text(text + "\n[tool.mutmut]\n" + "".join(f"{key} = {json.dumps(it)}\n" for key, it in settings.items()))


def _read_codes(mutants: Path, modules: list[str]) -> Iterator[tuple[str, Mapping[str, int | None]]]:
    for module in modules:
        path = mutants / f"{module}.meta"
        yield module, json.loads(path.read_text())["exit_code_by_key"] if path.exists() else {}


def tally(module: str, codes: Mapping[str, int | None]) -> Tally:
    """Count what became of the faults of *module*; one that no test reaches has survived."""
    survived = tuple(name for name, code in codes.items() if code in (SURVIVED, UNTESTED))
    untried = list(codes.values()).count(None)
    return Tally(module, len(codes) - len(survived) - untried, survived, untried)


def percent(tallies: list[Tally]) -> float:
    """Return the share of the faults that were noticed."""
    killed, survived = sum(one.killed for one in tallies), sum(len(one.survived) for one in tallies)
    return 100 * killed / max(1, killed + survived)


def render(tallies: list[Tally], seed: int, commit: str) -> str:
    """Return the report."""
    rows = [f"| `{one.module}` | {one.killed} | {len(one.survived)} | {one.untried} |\n" for one in tallies]
    return (
        "<!-- Written by `make mutation`. Do not edit. -->\n\n# Mutation testing\n\n"
        f"Of the faults put into a sample of the pure modules, the unit tests of the pure packages noticed\n"
        f"{percent(tallies):.1f} %; {REACH} % are the goal. Commit {commit}, seed {seed}.\n\n"
        "| module | noticed | survived | no time for |\n|---|---|---|---|\n" + "".join(rows)
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
