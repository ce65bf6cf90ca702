"""The action advisories: the known vulnerabilities and faults of the registry's version."""

from __future__ import annotations

import json
from typing import Any

from charmhelpers.core import unitdata
from charms.layer import basic, context, publish
from registry.message import Message, alone
from registry.release import advisories

from actions.results import Results, report

NO_VERSION = Message("The registry's version is unknown", "Run the action again when the unit is active")
"""Nothing was deployed yet, so there is no version to compare."""

NOT_REBUILT = (
    "There are no releases of 2.8 any more, and the image registry:2 is not rebuilt: faults of what it is built from "
    "stay in it. See docs/how-to/registry-3.md."
)


def show(params: dict[str, Any]) -> Results:
    """Show the advisories for the version that runs, and which of them concern this registry."""
    version = str(unitdata.kv().get(publish.VERSION) or "")
    if not version:
        raise basic.ActionFailed(alone(NO_VERSION()))
    known = advisories.of_version(version)
    concern = advisories.affecting(version, advisories.features(context.now.options))
    note = NOT_REBUILT if version.startswith("2.") else ""
    rows = [
        {
            "id": one.id,
            "summary": one.summary,
            "fixed": one.fixed,
            "needs": one.needs,
            "concerns-this-registry": one in concern,
        }
        for one in known
    ]
    lines = "".join(
        f"{one.id}, fixed in {one.fixed}: {one.summary}\n"
        f"    {'concerns this registry' if one in concern else f'not this registry: it has no {one.needs}'}\n"
        for one in known
    )
    with report(".txt") as text, report(".json") as data:
        text.write(lines or f"No advisories are known for {version}.\n")
        text.write(f"{note}\n" if note else "")
        data.write(json.dumps({"version": version, "advisories": rows, "note": note}) + "\n")
    return {
        "version": version,
        "advisories": str(len(known)),
        "concerning": str(len(concern)),
        "report": str(text.path),
        "report-json": str(data.path),
        "output": text.beginning,
    }
