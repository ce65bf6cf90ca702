"""The registry for a proxy in front: haproxy.

Unit databag of every unit, raw values: `hostname`, `port`, and `services`, YAML text that haproxy merges from
all units. An older version published `all_services` by mistake, which has another meaning; it is removed.

The older haproxy charm publishes `ssl_cert`: base64 of the certificate that it presents.
"""

from charms.layer import endpoints
from registry.formats import certificates
from registry.formats.relations import Proxy


class Website(endpoints.Endpoint):
    """The relations to proxies."""

    def publish_service(self, relation: str, hostname: str, port: int, services: str) -> None:
        """Publish this unit's server to the proxies of *relation*."""
        settings = {"hostname": hostname, "port": str(port), "services": services, "all_services": None}
        self.publish(relation, settings)

    def proxies(self) -> tuple[Proxy, ...]:
        """Return the proxies; the first one is the same on all units."""
        bags = [bag for relation in self.relation_ids for bag in self.units(relation).values()]
        values = [(bag.get("ingress-address") or bag.get("private-address"), bag.get("ssl_cert")) for bag in bags]
        return tuple(Proxy(address, _certificate(text)) for address, text in values if address)


def _certificate(text: str | None) -> str | None:
    try:
        return certificates.bundle(text) if text else None
    except certificates.BadCertificates:
        return None
