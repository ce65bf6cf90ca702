"""The registry for a proxy in front that passes TLS through: haproxy, from its version 2.8.

https://github.com/canonical/haproxy-operator: haproxy_route_tcp, version 1. JSON values. The leader publishes the
service in the application's databag, each unit its `address` in its own. The proxy answers in its application's databag
with `endpoints`, a list of ``host:port``.
"""

import json

from charms.layer import endpoints, leadership
from registry.formats import routes
from registry.formats.relations import Proxy


class HaproxyRouteTcp(endpoints.Endpoint):
    """The relations to proxies that pass TLS through."""

    reads_application = True

    def publish_route(self, relation: str, address: str, route: routes.Route) -> None:
        """Publish the service, and this unit's address, to the proxy of *relation*."""
        if leadership.is_leader():
            self.publish(relation, routes.tcp(route), application=True)
        self.publish(relation, {"address": json.dumps(address)})

    def proxies(self) -> tuple[Proxy, ...]:
        """Return the proxies that have answered, as clients reach them."""
        answers = (self.application(relation).get("endpoints", "") for relation in self.relation_ids)
        return tuple(proxy for answer in answers for proxy in routes.tcp_proxies(answer))
