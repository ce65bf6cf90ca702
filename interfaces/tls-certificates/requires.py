"""A certificate from a CA: easyrsa, vault, and those that sign requests.

The first dialect is in unit databags. We write `unit_name`, `common_name`, `certificate_name` (raw) and `sans` (JSON);
the provider answers with `ca`, `chain`, `<unit_name>.server.cert`, `<unit_name>.server.key` (PEM).
"""

import json

from charmhelpers.core import hookenv
from charms.layer import endpoints
from registry.relations import Certificate


class Certificates(endpoints.Endpoint):
    """The relations to CAs."""

    def request(self, common_name: str, names: tuple[str, ...]) -> None:
        """Ask each CA for a certificate of these names (addresses and host names)."""
        settings = {
            "unit_name": self._unit_name,
            "common_name": common_name,
            "sans": json.dumps(sorted(set(names))),
            "certificate_name": self._unit_name,
        }
        for relation in self.relation_ids:
            self.publish(relation, settings)

    def certificate(self) -> Certificate | None:
        """Return the answer of the first CA that gave one."""
        for relation in self.relation_ids:
            for bag in self.units(relation).values():
                ca, chain = bag.get("ca"), bag.get("chain", "")
                certificate = bag.get(f"{self._unit_name}.server.cert")
                key = bag.get(f"{self._unit_name}.server.key")
                if ca and certificate and key:
                    return Certificate(ca, chain, certificate, key)
        return None

    @property
    def _unit_name(self) -> str:
        return hookenv.local_unit().replace("/", "_")
