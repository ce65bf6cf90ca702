"""The peer relation between the units of this application.

Unit databag, raw values: `address`, `port`, `scheme` of this unit's registry, and `ingress` where relations to another
model reach the unit at another address: a JSON object from relation to address. The predecessor published nothing; its
units have only Juju's `ingress-address`.

While a unit collects garbage in a store that all share: `read-only-until`, a time in seconds since 1970 until which it
requests all units to refuse pushes. The others answer in `refuses-pushes`, a JSON object from the requesting unit to
that time, once they do refuse them.
"""

import json
import re
from collections.abc import Mapping

from charms.layer import endpoints
from registry.formats.relations import Peer, json_object


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
                {name: str(address) for name, address in json_object(bag.get("ingress", "")).items()},
                _time(bag.get("read-only-until", "")),
                {name: _time(str(until)) for name, until in json_object(bag.get("refuses-pushes", "")).items()},
            )
            for relation in self.relation_ids
            for unit, bag in self.units(relation).items()
        )

    def publish_own(self, peer: Peer) -> None:
        """Publish this unit's address to the other units."""
        for relation in self.relation_ids:
            settings = {"address": peer.address, "port": str(peer.port), "scheme": peer.scheme}
            settings["ingress"] = _text(peer.ingress)
            settings["read-only-until"] = str(peer.read_only_until or "") or None
            settings["refuses-pushes"] = _text(peer.refuses_pushes)
            self.publish(relation, settings)


def _text(mapping: Mapping[str, object]) -> str | None:
    return json.dumps(dict(mapping), sort_keys=True) if mapping else None


def _port(text: str) -> int | None:
    return int(text) if re.fullmatch("[0-9]{1,5}", text) else None


def _time(text: str) -> int:
    return int(text) if re.fullmatch("[0-9]{1,12}", text) else 0
