"""Publishing to Juju, peers, proxies, clients, NRPE and the S3 integrator."""

from __future__ import annotations

from charmhelpers.core import hookenv, unitdata
from charms import reactive
from charms.layer import context, flags, leadership
from charms.layer.context import endpoint, reports_errors
from registry.formats import nrpe
from registry.plan import published
from registry.plan.facts import Facts
from registry.release.release import Release

PORTS = "docker-registry.ports"
"""Key in unitdata: the ports that are open, a list."""
VERSION = "docker-registry.version"
"""Key in unitdata: the version of the workload that Juju shows."""


@reports_errors
def meet_peers() -> None:
    """Set a flag once the unit knows its peers, or that it is alone: then it leads.

    Before, it would consider itself the primary, and the proxy would send it requests for images that others have.
    """
    if endpoint("peer").peers() or leadership.is_leader():
        reactive.set_flag(flags.JOINED)


@reports_errors
def request_bucket() -> None:
    """Request a bucket from the S3 integrator."""
    endpoint("s3-credentials").request_bucket()


@reports_errors
def peer() -> None:
    """Publish to the other units where this one serves."""
    endpoint("peer").publish_own(_published().peer)


@reports_errors
def service() -> None:
    """Publish this unit to the proxy; nothing while the options website-* are wrong: the published data stay."""
    services = _published().services
    if services is not None:
        endpoint("website").publish_service(_facts().addresses.get("website"), _current().port, services)


@reports_errors
def access() -> None:
    """Publish to clients how they reach the registry."""
    assert context.now.plan is not None
    data = _published().access
    # Data that are published before a requested certificate arrives would be wrong as soon as it does.
    if data is not None and not context.now.plan.waiting:
        endpoint("docker-registry").publish_access(data)


@reports_errors
def checks() -> None:
    """Have NRPE check the registry."""
    naming, facts = context.now.options.naming, _facts()
    checked = published.checks(_current())
    if context.now.options.are_valid("nagios_"):
        host = naming.host(facts.unit, facts.nagios.hostname if facts.nagios else None)
        context.machine.checks.ensure(nrpe.files(checked, host, naming.groups))
    endpoint("nrpe-external-master").publish_checks(tuple(nrpe.checks(checked)))


@reports_errors
def remove_checks() -> None:
    """Remove the checks; the relation to NRPE is gone."""
    context.machine.checks.ensure({})


def open_ports(ports: frozenset[int]) -> None:
    """Open *ports*, close others. Open ports are recorded, and reverted with a failed hook as Juju does."""
    before = set(unitdata.kv().get(PORTS) or ())
    for port in sorted(ports - before):
        hookenv.open_port(port)
    for port in sorted(before - ports):
        hookenv.close_port(port)
    if before != ports:
        unitdata.kv().set(PORTS, sorted(ports))


def version(version: str) -> None:
    """Show the registry's version in `juju status`."""
    if unitdata.kv().get(VERSION) != version:
        hookenv.application_version_set(version)
        unitdata.kv().set(VERSION, version)


def _facts() -> Facts:
    assert context.now.facts is not None
    return context.now.facts


def _current() -> Release:
    current = context.machine.store.current()
    assert current is not None, "published before anything is deployed"
    return current


def _published() -> published.Published:
    return published.published(context.now.options, _facts(), _current())
