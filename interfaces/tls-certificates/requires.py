"""A certificate from a CA, in both dialects at once: one that makes the key, and one that signs a request.

The classic one (easyrsa, vault) is in unit databags. We write `unit_name`, `common_name`, `certificate_name` (raw) and
`sans` (JSON); the provider answers with `ca`, `chain`, `<unit_name>.server.cert`, `<unit_name>.server.key` (PEM).

In the other one (self-signed-certificates, manual-tls-certificates) we write `certificate_signing_requests`, a JSON
list of `{"certificate_signing_request": PEM, "ca": false}`, and the provider answers in its application's databag with
`certificates`, a JSON list of `{"ca", "certificate", "chain": [PEM, ...], "certificate_signing_request", "revoked"}`.
"""

import json

from charmhelpers.core import hookenv
from charms.layer import endpoints
from registry.relations import Certificate, Request


class Certificates(endpoints.Endpoint):
    """The relations to CAs."""

    reads_application = True

    def publish_request(self, request: Request) -> None:
        """Ask each CA for a certificate."""
        settings = {
            "unit_name": self._unit_name,
            "common_name": request.names[0],
            "sans": json.dumps(sorted(set(request.names))),
            "certificate_name": self._unit_name,
            # Without "ca", a provider with pydantic 2 leaves the whole databag alone.
            "certificate_signing_requests": json.dumps([{"certificate_signing_request": request.csr, "ca": False}]),
        }
        for relation in self.relation_ids:
            self.publish(relation, settings)

    def certificate(self, request: Request) -> Certificate | None:
        """Return the answer of the first CA that gave a whole one; in the second dialect, one to *request*."""
        for relation in self.relation_ids:
            found = self._signed(relation, request) or self._made(relation)
            if found is not None:
                return found
        return None

    def _made(self, relation: str) -> Certificate | None:
        for bag in self.units(relation).values():
            ca, chain = bag.get("ca"), bag.get("chain", "")
            certificate = bag.get(f"{self._unit_name}.server.cert")
            key = bag.get(f"{self._unit_name}.server.key")
            if ca and certificate and key:
                return Certificate(ca, chain, certificate, key)
        return None

    def _signed(self, relation: str, request: Request) -> Certificate | None:
        for answer in _answers(self.application(relation).get("certificates")):
            asked = str(answer.get("certificate_signing_request", "")).strip()
            if asked == request.csr.strip() and not answer.get("revoked") and answer.get("certificate"):
                chain = "\n".join(map(str, answer.get("chain") or ()))
                return Certificate(str(answer.get("ca", "")), chain, str(answer["certificate"]), request.key)
        return None

    @property
    def _unit_name(self) -> str:
        return hookenv.local_unit().replace("/", "_")


def _answers(text: str | None) -> list[dict[str, object]]:
    try:
        found = json.loads(text or "[]")
    except ValueError:
        return []
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
