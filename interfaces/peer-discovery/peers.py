"""The peer relation between the units of this application.

Unit databag, raw values: `address`, `port`, `scheme` of this unit's registry. The predecessor published nothing;
its units have only Juju's `ingress-address`.
"""

import re

from charms.layer import endpoints
from registry.formats.relations import Peer


class Peers(endpoints.Endpoint):
    """The peer relation."""

    def peers(self) -> tuple[Peer, ...]:
        """Return the other units."""
        return tuple(
            Peer(
                unit,
                bag.get("address") or bag.get("ingress-address") or bag.get("private-address", ""),
                int(bag["port"]) if re.fullmatch("[0-9]{1,5}", bag.get("port", "")) else None,
                bag.get("scheme"),
            )
            for relation in self.relation_ids
            for unit, bag in self.units(relation).items()
        )

    def publish_own(self, peer: Peer) -> None:
        """Publish this unit's address to the other units."""
        for relation in self.relation_ids:
            self.publish(relation, {"address": peer.address, "port": str(peer.port), "scheme": peer.scheme})
