"""The registry for a proxy in front that ends TLS: haproxy, from its version 2.8.

https://github.com/canonical/haproxy-operator: haproxy_route, version 2. JSON values. The leader publishes the service
in the application's databag, each unit its `address` in its own. The proxy answers in its application's databag with
`endpoints`, a list of URLs at which clients reach the service; it is empty while the proxy refuses the service.
"""

import json

from charms.layer import endpoints, leadership
from registry.formats import routes
from registry.formats.relations import Proxy


class HaproxyRoute(endpoints.Endpoint):
    """The relations to proxies that end TLS."""

    reads_application = True

    def publish_route(self, relation: str, address: str, route: routes.Route) -> None:
        """Publish the service, and this unit's address, to the proxy of *relation*."""
        if leadership.is_leader():
            self.publish(relation, routes.http(route), application=True)
        self.publish(relation, {"address": json.dumps(address)})

    def proxies(self) -> tuple[Proxy, ...]:
        """Return the proxies that have answered, as clients reach them."""
        answers = (self.application(relation).get("endpoints", "") for relation in self.relation_ids)
        return tuple(proxy for answer in answers for proxy in routes.http_proxies(answer))
