"""What the agent of cos-agent gets: metrics of the charm, and where everything is that it scrapes."""

from __future__ import annotations

import os
import pathlib

from charmhelpers.core import hookenv, unitdata
from charms import reactive
from charms.layer import context, flags, publish, room, runs, status
from charms.layer.context import endpoint, reports_errors
from registry.formats import cos, exporter
from registry.machine.exporter import NotServed
from registry.message import alone
from registry.plan import monitoring
from registry.plan.report import Report

FILES = pathlib.Path(__file__).parents[3] / "templates/cos"


@reports_errors
def publish_config() -> None:
    """Serve the charm's metrics, and publish to the agent what to scrape."""
    write()
    current = context.machine.store.current()
    served = monitoring.exporter(current) if current else None
    if served is None:
        return  # the metrics of the current release are off until the requested one is applied
    topology = cos.Topology(
        os.environ.get("JUJU_MODEL_NAME", ""), os.environ.get("JUJU_MODEL_UUID", ""), hookenv.application_name()
    )
    dashboards = {path.name: path.read_text() for path in FILES.glob("*.json")}
    rules = (FILES / "rules.yaml").read_text()
    endpoint("cos-agent").publish_config(cos.config(topology, monitoring.jobs(served), rules, dashboards))


def write() -> None:
    """Write what the charm knows to the file that is served; nothing without a relation. Raises OSError."""
    now, current = context.now, context.machine.store.current()
    served = monitoring.exporter(current) if current else None
    if not endpoint("cos-agent").relation_ids or current is None or served is None:
        return
    version = str(unitdata.kv().get(publish.VERSION) or "")
    stopped = reactive.is_flag_set(flags.STOPPED)  # not by a disk that is missing, of which alerts must tell
    drained = reactive.is_flag_set(flags.DRAINED)
    low = None if current.upstream else room.read_low(current)  # a cache refuses nothing that it would accept
    samples = monitoring.samples(now.options, current, version, runs.read(), stopped=stopped, drained=drained, low=low)
    try:
        context.machine.metrics.ensure(served, exporter.exposition(samples))
    except NotServed as error:
        status.add(Report(warnings=(alone(error.text),)))


@reports_errors
def remove() -> None:
    """Stop serving the charm's metrics; the relation is gone."""
    context.machine.metrics.remove()
