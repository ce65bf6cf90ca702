"""Fail where too few branches are covered: tools/coverage_floor.py coverage.json

The total of coverage.py mixes lines and branches; here branches count alone.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

FLOOR = 95.0
SHOWN = 10


def main(report: Path) -> int:
    """Print the files with the most branches that no test takes; return 0 if there are few of them in all."""
    loaded = json.loads(report.read_text())
    missing = {name: file["summary"]["missing_branches"] for name, file in loaded["files"].items()}
    for name in sorted(missing, key=missing.__getitem__, reverse=True)[:SHOWN]:
        print(f"{missing[name]:4} {name}")
    total = loaded["totals"]
    percent = 100 * total["covered_branches"] / total["num_branches"]
    print(f"{percent:.1f} % of {total['num_branches']} branches are covered; {FLOOR:.0f} % are required")
    return 0 if percent >= FLOOR else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
