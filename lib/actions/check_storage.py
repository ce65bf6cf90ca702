"""The action check-storage: whether the storage does what the registry needs."""

from __future__ import annotations

import json
from typing import Any

from charmhelpers.core import unitdata
from charms.layer import basic, content, image, relocation
from registry.client import trial
from registry.deployment.maintenance import CollectionFailed
from registry.message import alone
from registry.release.image import Image
from registry.release.release import Release

from actions import progress
from actions.results import Results, report

NOT_TRIED = "not tried: registry 2.8 cannot store an empty blob in an object store"


def check_storage(params: dict[str, Any]) -> Results:
    """Try the storage rule by rule. Fails with those that it breaks."""
    release, found = content.current(), dict[str, str]()
    rules = {rule for rule in trial.RULES if params["lists"] or rule != trial.LIST}
    with report(".txt") as text, report(".json") as data:
        if trial.EMPTY in rules and not _stores_empty_blobs(release):
            rules.remove(trial.EMPTY)
            text.write(f"{trial.EMPTY}: {NOT_TRIED}\n")
        with progress.reported(lambda: f"tried: {', '.join(found) or 'nothing yet'}"):
            try:
                with relocation.tried(release) as tried:
                    for rule, problem in tried.steps(rules):
                        found[rule] = problem
                        text.write(f"{rule}: {problem or 'works'}\n")
            except CollectionFailed as error:
                found[trial.DELETE] = found[trial.DELETE] or str(error.text)
                text.write(f"{trial.DELETE}: {error.text}\n")
        data.write(json.dumps(found) + "\n")
    results = {
        "rules": str(len(found)),
        "report": str(text.path),
        "report-json": str(data.path),
        "output": text.beginning,
    }
    if broken := trial.broken_rules(found):
        raise basic.ActionFailed(alone(trial.BREAKS(rules=broken)), results)
    return results


def _stores_empty_blobs(release: Release) -> bool:
    return not release.is_shared or Image(**unitdata.kv().get(image.IMAGE)).stores_empty_blobs
