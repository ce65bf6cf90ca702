"""The data published to peers, clients, proxies and NRPE."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from registry.formats import addresses, certificates, haproxy, nrpe, relations, routes
from registry.options.options import Options
from registry.plan.facts import Facts
from registry.release import container, filenames
from registry.release.release import Release

ANSWER_SECONDS = 600
"""How long a CA may take to issue a certificate."""


def checks(release: Release) -> nrpe.Target:
    """Return what NRPE checks while *release* is current."""
    return nrpe.Target(release.port, release.ca, release.asks_for_certificates, container.PROCESS, release.data_folder)


@dataclasses.dataclass(frozen=True)
class Published:
    """The data published for a registry that serves."""

    peer: relations.Peer
    access: relations.Access | None
    """For clients; None while it is unknown how they reach *release*: the published data stay."""
    services: str | None
    """For proxies: YAML text; None while the options website-* are wrong: the published data stay."""
    hostname: str
    """For proxies: the unit's address in *services*."""
    route: routes.Route | None
    """For proxies of today; None while the options website-* are wrong, or the address of the primary is unknown."""


def published(options: Options, facts: Facts, release: Release, relation: str | None = None) -> Published:
    """Return what to publish about *release*: over *relation*, if it is one of `Facts.ingress`.

    Every unit publishes the same to clients: http-host, else the proxy in front, else the primary.
    """
    first = relations.primary(facts.unit, facts.peers)
    hostname = facts.ingress.get(relation or "", facts.addresses.get("website", facts.address))
    server = haproxy.Server(
        facts.unit,
        hostname,
        release.port,
        backup=first != facts.unit and not release.is_shared,
        encrypted=release.certificate is not None,
        asks_for_certificates=release.asks_for_certificates,
        terminates=options.website.terminates,
        check_interval=options.website.check_interval,
        check_fall=options.website.check_fall,
        drained=facts.drained,
        pem=release.certificate + release.others[filenames.TLS["key"]] if release.certificate else None,
    )
    own = relations.Peer(
        *(facts.unit, facts.address, release.port, release.scheme, facts.ingress, facts.collecting_until),
        # A registry that is stopped starts read-only.
        refuses_pushes=facts.collectors if release.is_read_only or facts.stopped else {},
    )
    services = haproxy.services(server) if options.are_valid("website-") else None
    route = _route(options, facts, release, relation or "") if options.are_valid("website-") else None
    return Published(own, _access(options, facts, release, relation or ""), services, hostname, route)


def _route(options: Options, facts: Facts, release: Release, relation: str) -> routes.Route | None:
    first = {peer.unit: peer for peer in facts.peers}.get(relations.primary(facts.unit, facts.peers))
    primary = first.ingress.get(relation, first.address) if first else facts.ingress.get(relation, facts.address)
    if not (release.is_shared or primary):
        return None  # without hosts, all units would serve
    return routes.Route(
        service=f"{facts.model}-{facts.unit.partition('/')[0]}",
        port=release.port,
        encrypted=release.certificate is not None,
        hosts=() if release.is_shared else (primary,),
        hostname=addresses.hostname(options.http_host) if options.http_host else None,
        check_interval=options.website.check_interval,
        check_fall=options.website.check_fall,
    )


def terminates(options: Options, proxies: Sequence[relations.Proxy]) -> bool:
    """Tell whether TLS ends at the proxy in front."""
    if not proxies:
        return False
    return options.website.terminates if proxies[0].terminates is None else proxies[0].terminates


def _is_early(host: str | None, facts: Facts, release: Release) -> bool:
    """Tell whether a certificate for *host* is requested, and the current one is not valid for it yet.

    A CA that creates the key as well does not say whether it answers the previous request or this one: for some time
    the request counts as pending.
    """
    offer = facts.offer
    if not (facts.clients and host and offer and release.has_certificate_of_relation):
        return False
    pending = offer.certificate is None or 0 <= facts.now - offer.made < ANSWER_SECONDS
    served = certificates.parsed(release.certificate or "")
    return pending and host in offer.names and not any(one.is_valid_for(host) for one in served[:1])


def client_scheme(options: Options, proxies: Sequence[relations.Proxy], own: str) -> str:
    """Return the scheme that clients use: that of http-host, else of the proxy in front, else the registry's *own*."""
    if options.http_host and options.are_valid("http-host"):
        return addresses.scheme(options.http_host)
    return "https" if terminates(options, proxies) else own


def _ca(options: Options, facts: Facts, release: Release, scheme: str) -> str | None:
    """Return the CA that clients must trust: of whatever they meet at http-host or the proxy, and of the registry."""
    if scheme == "http":
        return None
    blob = options.tls.blobs["ca"] if options.http_host else ""
    proxy = facts.proxies[0].certificate if facts.proxies else None
    served = release.ca if release.certificate else proxy if terminates(options, facts.proxies) else None
    if not blob:
        return served
    front = certificates.bundle(blob)
    return certificates.chain(front, served) if served and served != front else front


def _access(options: Options, facts: Facts, release: Release, relation: str) -> relations.Access | None:
    readable = all(map(options.are_valid, ("http-host", "auth-", "website-tls", "tls-ca-blob")))
    authentication = options.authentication
    if not readable or release.authentication != authentication.kind:
        return None
    first = {peer.unit: peer for peer in facts.peers}.get(relations.primary(facts.unit, facts.peers))
    if first and first.scheme not in (None, release.scheme):
        # One of the two is about to follow.
        return None
    if first:
        own = first.ingress.get(relation, first.address), first.port or release.port
    else:
        own = facts.ingress.get(relation, facts.address), release.port
    if options.http_host and _is_early(addresses.hostname(options.http_host), facts, release):
        options = dataclasses.replace(options, http_host=None)
    # Clients do not see the certificate behind a proxy with one of its own.
    if facts.proxies and not facts.proxies[0].terminates and _is_early(facts.proxies[0].address, facts, release):
        facts = dataclasses.replace(facts, proxies=())
    netloc, scheme = _place(options, facts, release, *own)
    user = authentication.user if authentication.password else None
    ca = _ca(options, facts, release, scheme)
    unit = min((facts.unit, *(peer.unit for peer in facts.peers)))
    return relations.Access(netloc, f"{scheme}://{netloc}", user, authentication.password, ca, unit)


def _place(options: Options, facts: Facts, release: Release, address: str, port: int) -> tuple[str, str]:
    """Return netloc and scheme for clients: those of http-host, else of the proxy in front, else of *address*."""
    host = options.http_host if options.are_valid("http-host") else None
    scheme = client_scheme(options, facts.proxies, release.scheme)
    if facts.proxies:
        front = facts.proxies[0]
        own = (front.netloc if not host else None) or addresses.netloc(host, front.address, release.port)
        return own, scheme
    return addresses.netloc(host, address, port), scheme


def place(options: Options, facts: Facts, release: Release) -> tuple[str, str]:
    """Return where and how clients reach this unit, for its status, e.g. ``("10.0.8.8:5000", "http, proxied")``."""
    netloc, scheme = _place(options, facts, release, facts.address, release.port)
    return netloc, f"{scheme}, proxied" if facts.proxies else scheme
