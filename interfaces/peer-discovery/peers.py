"""The peer relation between the units of this application.

Unit databag, raw values: `address`, `port`, `scheme` of this unit's registry, and `ingress` where relations to another
model reach the unit at another address: a JSON object from relation to address. The predecessor published nothing; its
units have only Juju's `ingress-address`.
"""

import json
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
                _port(bag.get("port", "")),
                bag.get("scheme"),
                _ingress(bag.get("ingress", "")),
            )
            for relation in self.relation_ids
            for unit, bag in self.units(relation).items()
        )

    def publish_own(self, peer: Peer) -> None:
        """Publish this unit's address to the other units."""
        for relation in self.relation_ids:
            ingress = json.dumps(dict(peer.ingress), sort_keys=True) if peer.ingress else None
            settings = {"address": peer.address, "port": str(peer.port), "scheme": peer.scheme, "ingress": ingress}
            self.publish(relation, settings)


def _port(text: str) -> int | None:
    return int(text) if re.fullmatch("[0-9]{1,5}", text) else None


def _ingress(text: str) -> dict[str, str]:
    try:
        value = json.loads(text or "{}")
    except ValueError:
        return {}
    return {str(key): str(address) for key, address in value.items()} if isinstance(value, dict) else {}
