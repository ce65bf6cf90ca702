"""The relation cos-agent: scrape jobs, alert rules and dashboards for the Canonical Observability Stack.

https://github.com/canonical/grafana-agent-operator: lib/charms/grafana_agent/v0/cos_agent.py
"""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
import lzma
import re
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

TOPOLOGY = "%%juju_topology%%"
"""Stands for the labels of the application in the expressions of rules, as in other charms."""

CHARM = "docker-registry"


@dataclasses.dataclass(frozen=True)
class Topology:
    """Where the unit is in Juju."""

    model: str
    model_uuid: str
    application: str

    @property
    def labels(self) -> dict[str, str]:
        """The labels that the agent adds to each metric, without those of the unit."""
        return {
            "juju_model": self.model,
            "juju_model_uuid": self.model_uuid,
            "juju_application": self.application,
        }

    @property
    def matchers(self) -> str:
        """The same in an expression."""
        return ", ".join(f'{name}="{value}"' for name, value in self.labels.items())


@dataclasses.dataclass(frozen=True)
class Job:
    """A program on the machine that Prometheus scrapes."""

    name: str
    address: str
    """``host:port``."""


def config(topology: Topology, jobs: Sequence[Job], rules: str, dashboards: Mapping[str, str]) -> str:
    """Return the text of the key config: the same for the same values, because each change is sent to all.

    *rules* is the YAML of `alert_rules`, *dashboards* are JSON texts by file name.
    """
    return json.dumps(
        {
            "dashboards": [_dashboard(name, text) for name, text in sorted(dashboards.items())],
            "log_alert_rules": {},
            "log_slots": [],  # of snaps; the registry is none
            "metrics_alert_rules": alert_rules(topology, rules),
            "metrics_scrape_jobs": [_scrape_job(topology, job) for job in jobs],
        },
        sort_keys=True,
    )


def alert_rules(topology: Topology, text: str) -> dict[str, Any]:
    """Return the groups of rules in *text*, for this application alone: an agent passes rules on as they are."""
    groups = yaml.load(text, Loader=_LOADER)["groups"]  # noqa: S506 - a SafeLoader
    return {
        "groups": [
            {"name": _group_name(topology, group["name"]), "rules": [_rule(topology, rule) for rule in group["rules"]]}
            for group in groups
        ]
    }


def _rule(topology: Topology, rule: Mapping[str, Any]) -> dict[str, Any]:
    labels = {**topology.labels, "juju_charm": CHARM, **rule["labels"]}
    return {**rule, "expr": rule["expr"].replace(TOPOLOGY, topology.matchers), "labels": labels}


_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _group_name(topology: Topology, name: str) -> str:
    """Return a name that the receiver does not have to change: unique, of letters, digits and underscores."""
    whole = f"{topology.model}_{topology.model_uuid[:8]}_{topology.application}_{name}_rules"
    return re.sub(r"[^a-zA-Z0-9_:]", "_", whole)


def _scrape_job(topology: Topology, job: Job) -> dict[str, Any]:
    content = {"metrics_path": "/metrics", "static_configs": [{"targets": [job.address]}]}
    # An agent has the jobs of several charms: their names must differ.
    digest = hashlib.blake2b(json.dumps(content, sort_keys=True).encode(), digest_size=4).hexdigest()
    return {"job_name": f"{topology.application}_{job.name}_{digest}", **content}


def _dashboard(name: str, text: str) -> str:
    """Return a dashboard as the agent reads it: compressed, with the identifier by which Grafana replaces it."""
    uid = hashlib.shake_256(f"{CHARM}-{name}".encode()).hexdigest(20)
    content = {**json.loads(text), "uid": uid}
    compact = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return base64.b64encode(lzma.compress(compact.encode())).decode()
