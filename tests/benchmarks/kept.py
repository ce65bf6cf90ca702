"""The figures of a run: compared with those kept before, as a table, as JSON and as drawings.

`docs/benchmarks/figures.json` has the kept ones by section; a section says of which commit and machine it is, because
a run of some sections keeps those only. Nothing here measures.
"""

from __future__ import annotations

import html
import json
import os
import pathlib
import platform
import statistics
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

ROOT = pathlib.Path(__file__).parents[2]
FOLDER = ROOT / "docs/benchmarks"
FILE = FOLDER / "figures.json"
HEADS = ("figure", "median", "spread", "ratio", "to", "kept", "difference")
BAR, LINE, LEFT, WIDTH = 12, 22, 300, 760
"""Sizes in a drawing: height of a bar and of its line, width of the names, and of it all."""

Figure = dict[str, Any]
Section = dict[str, Any]


def figure(values: Sequence[float], yardstick: Sequence[float], unit: str, to: str) -> Figure:
    """Return one figure: median and spread of *values*, and the ratio of it to the median of the *yardstick*."""
    found: Figure = {"median": statistics.median(values), "least": min(values), "most": max(values), "unit": unit}
    if yardstick and statistics.median(yardstick):
        found |= {"ratio": found["median"] / statistics.median(yardstick), "to": to}
    return {name: round(value, 4) if isinstance(value, float) else value for name, value in found.items()}


def machine() -> dict[str, str | int]:
    """Return what the figures depend on."""
    models = [line for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "processor": models[0].partition(": ")[2] if models else platform.machine(),
        "processors": os.cpu_count() or 0,
        "memory": f"{memory:.0f} GiB",
        "kernel": platform.release(),
        "load before": f"{os.getloadavg()[0]:.1f}",
    }


def section(figures: Mapping[str, Figure], where: Mapping[str, Any]) -> Section:
    """Return the section of *figures* that were measured *where*."""
    git = ["git", "-C", str(ROOT)]
    commit = subprocess.check_output([*git, "rev-parse", "--short=12", "HEAD"], text=True).strip()
    changed = subprocess.check_output([*git, "status", "--porcelain", "--", ".", ":!docs"], text=True)
    day = time.strftime("%Y-%m-%d", time.gmtime())
    return {
        "commit": commit + (" with changes" if changed else ""),
        "date": day,
        "machine": dict(where),
        "figures": dict(figures),
    }


def load() -> dict[str, Section]:
    """Return the kept sections."""
    return json.loads(FILE.read_text()) if FILE.exists() else {}


def keep(sections: Mapping[str, Section]) -> None:
    """Keep *sections* in place of those of the same names, and draw them."""
    FOLDER.mkdir(exist_ok=True)
    FILE.write_text(json.dumps({**load(), **sections}, indent=1, sort_keys=True) + "\n")
    for name, one in sections.items():
        (FOLDER / f"{name.lower().replace(' ', '-')}.svg").write_text(drawing(name, one))


def rows(figures: Mapping[str, Figure], kept: Mapping[str, Figure]) -> Iterator[list[str]]:
    """Yield the lines of a table; a difference is that of the ratios, or of the medians of what has none."""
    yield list(HEADS)
    for name, one in figures.items():
        key = "ratio" if "ratio" in one else "median"
        before = kept.get(name, {}).get(key)
        difference = f"{one[key] / before - 1:+.0%}" if before else "" if before is None else f"{one[key] - before:+g}"
        yield [
            name,
            f"{one['median']:.4g} {one['unit']}".strip(),
            f"{one['least']:.4g} to {one['most']:.4g}",
            f"{one['ratio']:.2f}" if "ratio" in one else "",
            one.get("to", ""),
            "" if before is None else f"{before:.4g}",
            difference,
        ]


def drawing(title: str, of: Section) -> str:
    """Return an SVG with a bar for each figure: its ratio, or its median where it has none."""
    bars = [(name, one) for name, one in of["figures"].items() if "ratio" in one]
    most = max([one["ratio"] for _, one in bars] or [1])
    under = f"{of['commit']}, {of['date']}, {of['machine']['processors']} x {of['machine']['processor']}"
    lines = [
        f'<text x="0" y="16" font-weight="bold">{html.escape(title)}</text>',
        f'<text x="0" y="34" fill="#777">{html.escape(under)}</text>',
    ]
    for place, (name, one) in enumerate(bars):
        top, long = 48 + place * LINE, (WIDTH - LEFT - 240) * one["ratio"] / most
        words = f"{one['ratio']:.2f} x {one['to']}"
        lines += [
            f'<text x="{LEFT - 8}" y="{top + 10}" text-anchor="end">{html.escape(name)}</text>',
            f'<rect x="{LEFT}" y="{top}" width="{max(long, 1):.0f}" height="{BAR}" fill="#4478aa"/>',
            f'<text x="{LEFT + max(long, 1) + 6:.0f}" y="{top + 10}">{html.escape(words)}</text>',
        ]
    size = f'width="{WIDTH}" height="{56 + len(bars) * LINE}"'
    style = 'font-family="sans-serif" font-size="12"'
    back = '<rect width="100%" height="100%" fill="#fff"/>'
    return "\n".join([f'<svg xmlns="http://www.w3.org/2000/svg" {size} {style}>', back, *lines, "</svg>", ""])
