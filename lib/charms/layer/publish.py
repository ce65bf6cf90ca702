"""Publishing to Juju, peers, proxies, clients, NRPE, the S3 integrator, and those that trust the CA or send theirs."""

from __future__ import annotations

from collections.abc import Iterator

from charmhelpers.core import hookenv, unitdata
from charms import reactive
from charms.layer import context, endpoints, flags, leadership
from charms.layer.context import endpoint, reports_errors
from registry.formats import certificates, nrpe
from registry.formats.addresses import covers
from registry.plan import published
from registry.plan.facts import Facts
from registry.release.release import Release

PORTS = "docker-registry.ports"
"""Key in unitdata: the ports that are open, a list."""
CLOSED = "docker-registry.ports-closed"
"""Key in unitdata: the ports that were closed, a list, until Juju says so."""
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
def request_cas() -> None:
    """Request the CAs of other applications."""
    endpoint("receive-ca-certs").request()


@reports_errors
def ca() -> None:
    """Publish the CA that clients must trust; what is published stays while it is unknown."""
    assert context.now.plan is not None
    access = _published().access
    if access is not None and not context.now.plan.waiting:
        endpoint("send-ca-cert").publish_ca(certificates.separate(access.ca or ""))


@reports_errors
def peer() -> None:
    """Publish to the other units where this one serves."""
    endpoint("peer").publish_own(_published().peer)


@reports_errors
def service() -> None:
    """Publish this unit to the proxy; nothing while the options website-* are wrong: the published data stay."""
    for relation, data in _published_over("website"):
        if data.services is not None:
            endpoint("website").publish_service(relation, data.hostname, _current().port, data.services)


@reports_errors
def http_route() -> None:
    """Publish the registry to the proxy of haproxy-route, as `service` does."""
    _route("haproxy-route")


@reports_errors
def tcp_route() -> None:
    """Publish the registry to the proxy of haproxy-route-tcp, likewise."""
    _route("haproxy-route-tcp")


def _route(name: str) -> None:
    for relation, data in _published_over(name):
        if data.route is not None:
            address = _facts().ingress.get(relation, _facts().addresses[name])
            endpoint(name).publish_route(relation, address, data.route)


@reports_errors
def access() -> None:
    """Publish to clients how they reach the registry."""
    assert context.now.plan is not None
    # Data that are published before a requested certificate arrives would be wrong as soon as it does.
    if context.now.plan.waiting:
        return
    for relation, data in _published_over("docker-registry"):
        if data.access is not None:
            endpoint("docker-registry").publish_access(relation, data.access)


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
    """Open *ports*, close others of the charm. They are recorded, and reverted with a failed hook as Juju does.

    Some hooks ask Juju: it may have dropped what is recorded. What somebody else opened stays.
    """
    recorded = {key: set(unitdata.kv().get(key) or ()) for key in (PORTS, CLOSED)}
    is_open, ours = recorded[PORTS], recorded[PORTS] | recorded[CLOSED]
    opened = endpoints.ask("opened-ports") if hookenv.hook_name() in endpoints.VERIFYING else None
    if isinstance(opened, list):
        is_open = {port for port in ports | ours if any(covers(str(text), port) for text in opened)}
    for port in sorted(ports - is_open):
        hookenv.open_port(port)
    for port in sorted(is_open & ours - ports):
        hookenv.close_port(port)
    # A closed port is forgotten when Juju says that it is closed.
    closed = ours & is_open - ports if isinstance(opened, list) else ours - ports
    for key, value in ((PORTS, ports), (CLOSED, closed)):
        if recorded[key] != value:
            unitdata.kv().set(key, sorted(value))


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


def _published(relation: str | None = None) -> published.Published:
    return published.published(context.now.options, _facts(), _current(), relation)


def _published_over(name: str) -> Iterator[tuple[str, published.Published]]:
    """Yield the relations of an endpoint, and what to publish over each: the same but for those to other models."""
    same, elsewhere = _published(), {*_facts().ingress}.union(*(peer.ingress for peer in _facts().peers))
    for relation in endpoint(name).relation_ids:
        yield relation, _published(relation) if relation in elsewhere else same
