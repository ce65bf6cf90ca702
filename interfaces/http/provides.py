"""The registry for a proxy in front: haproxy.

Unit databag of every unit, raw values: `hostname`, `port`, and `services`, YAML text that haproxy puts together from
all units. `all_services` was written by mistake once, and means something else.

The older haproxy charm writes `ssl_cert`: base64 of the certificate that it presents.
"""

from charms.layer import endpoints
from registry.formats import certificates
from registry.formats.relations import Proxy


class Website(endpoints.Endpoint):
    """The relations to proxies."""

    def publish_service(self, hostname: str, port: int, services: str) -> None:
        """Tell all proxies of this unit's server."""
        settings = {"hostname": hostname, "port": str(port), "services": services, "all_services": None}
        for relation in self.relation_ids:
            self.publish(relation, settings)

    def proxies(self) -> tuple[Proxy, ...]:
        """Return the proxies, the first one being the same for all units."""
        bags = [bag for relation in self.relation_ids for bag in self.units(relation).values()]
        found = [(bag.get("ingress-address") or bag.get("private-address"), bag.get("ssl_cert")) for bag in bags]
        return tuple(Proxy(address, _certificate(told)) for address, told in found if address)


def _certificate(told: str | None) -> str | None:
    try:
        return certificates.bundle(told) if told else None
    except certificates.BadCertificates:
        return None
