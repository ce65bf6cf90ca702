"""The registry for a proxy in front: haproxy.

Unit databag of every unit, raw values: `hostname`, `port`, and `services`, YAML text that haproxy puts together from
all units. `all_services` was written by mistake once, and means something else.
"""

from charms.layer import endpoints


class Website(endpoints.Endpoint):
    """The relations to proxies."""

    def publish_service(self, hostname: str, port: int, services: str) -> None:
        """Tell all proxies of this unit's server."""
        settings = {"hostname": hostname, "port": str(port), "services": services, "all_services": None}
        for relation in self.relation_ids:
            self.publish(relation, settings)

    def proxies(self) -> tuple[str, ...]:
        """Return the addresses of the proxies, as clients of this unit's network see them."""
        bags = [bag for relation in self.relation_ids for bag in self.units(relation).values()]
        found = [bag.get("ingress-address") or bag.get("private-address") for bag in bags]
        return tuple(address for address in found if address)
