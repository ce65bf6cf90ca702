"""What the charm carries of others, as a software bill of materials: CycloneDX 1.6, https://cyclonedx.org.

From the packages themselves, so that it cannot differ from them, and with nothing that changes by itself: the charm's
bytes are the same each time. A licence that is not known to be compatible fails the build.
"""

from __future__ import annotations

import email.parser
import json
from pathlib import Path
from typing import Any

NAME = "sbom.cdx.json"

ALLOWED = {"Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "MPL-2.0", "PSF-2.0"}
"""Licences of packages that the charm, which is under the Apache licence, may carry, by https://spdx.org/licenses."""

WORDS = {"Apache License 2.0": "Apache-2.0"}
"""Other words for them."""

STATED = {"charmhelpers": "Apache-2.0"}
"""Licences of packages that do not say it in the field for it, from their LICENSE files."""


def write(packages: Path, target: Path, version: str) -> None:
    """Write the bill of the folder of *packages* of the charm of this *version*. Raises ValueError."""
    components = sorted(map(_component, packages.glob("*/*.dist-info/METADATA")), key=lambda one: str(one["purl"]))
    unique = {component["purl"]: component for component in components}
    bill = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {"type": "application", "name": "docker-registry", "version": version}},
        "components": list(unique.values()),
    }
    target.write_text(json.dumps(bill, indent=1) + "\n")


def _component(metadata: Path) -> dict[str, Any]:
    headers = email.parser.Parser().parsestr(metadata.read_text(encoding="utf-8"), headersonly=True)
    name, version = str(headers["Name"]), str(headers["Version"])
    words = str(headers["License-Expression"] or headers["License"] or "")
    licence = STATED.get(name) or WORDS.get(words, words)
    if licence not in ALLOWED:
        raise ValueError(f"The licence {licence!r} of {name} is not known to be compatible: see tools/sbom.py")
    return {
        "type": "library",
        "name": name,
        "version": version,
        "licenses": [{"license": {"id": licence}}],
        "purl": f"pkg:pypi/{name.lower()}@{version}",
    }
