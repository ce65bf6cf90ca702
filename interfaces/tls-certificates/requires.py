"""A certificate from a CA, in two versions of the protocol at once: the CA makes the key, or signs a request.

The older one (easyrsa, vault) uses unit databags. We publish `unit_name`, `common_name`, `certificate_name` (raw) and
`sans` (JSON); the provider publishes `ca`, `chain`, `<unit_name>.server.cert`, `<unit_name>.server.key` (PEM).

In the newer one (self-signed-certificates, manual-tls-certificates) we publish `certificate_signing_requests`, a JSON
list of `{"certificate_signing_request": PEM, "ca": false}`, and the provider publishes in its application databag
`certificates`, a JSON list of `{"ca", "certificate", "chain": [PEM, ...], "certificate_signing_request", "revoked"}`,
or with `request_errors`, a JSON list of `{"certificate_signing_request" or "csr", "error": {"name", "message"}}`.
"""

import json
from typing import Any

from charmhelpers.core import hookenv
from charms.layer import endpoints
from registry.formats.relations import Certificate, Request, json_list

LONGEST = 200
"""Characters of a CA's own reason that the status shows."""


class Certificates(endpoints.Endpoint):
    """The relations to CAs."""

    reads_application = True

    def publish_request(self, request: Request) -> None:
        """Request a certificate from each CA."""
        settings = {
            "unit_name": self._unit_name,
            "common_name": request.names[0],
            "sans": json.dumps(sorted(set(request.names))),
            "certificate_name": self._unit_name,
            "cert_requests": None,  # the predecessor requested another address there
            # Without "ca", a provider with pydantic 2 ignores the whole databag.
            "certificate_signing_requests": json.dumps([{"certificate_signing_request": request.csr, "ca": False}]),
        }
        for relation in self.relation_ids:
            self.publish(relation, settings)

    def certificate(self, request: Request) -> Certificate | None:
        """Return the first complete certificate of a CA; in the newer protocol, one for *request*."""
        for relation in self.relation_ids:
            certificate = self._signed(relation, request) or self._made(relation)
            if certificate is not None:
                return certificate
        return None

    def is_revoked(self, request: Request) -> bool:
        """Tell whether all certificates that CAs issued for *request* are revoked."""
        issued = [entry for relation in self.relation_ids for entry in self._entries(relation, "certificates", request)]
        return bool(issued) and all(entry.get("revoked") is True for entry in issued)

    def refusal(self, request: Request) -> str:
        """Return the error of a CA that does not issue a certificate for *request*; empty if there is none."""
        for relation in self.relation_ids:
            for entry in self._entries(relation, "request_errors", request):
                error = entry.get("error")
                fields = error if isinstance(error, dict) else {}
                reason = " ".join(str(fields.get("message") or fields.get("name") or "no reason given").split())
                return reason if len(reason) <= LONGEST else f"{reason[:LONGEST]}..."
        return ""

    def _made(self, relation: str) -> Certificate | None:
        for bag in self.units(relation).values():
            ca, chain = bag.get("ca"), bag.get("chain", "")
            certificate = bag.get(f"{self._unit_name}.server.cert")
            key = bag.get(f"{self._unit_name}.server.key")
            if ca and certificate and key:
                return Certificate(ca, chain, certificate, key)
        return None

    def _signed(self, relation: str, request: Request) -> Certificate | None:
        for entry in self._entries(relation, "certificates", request):
            if entry.get("revoked") is not True and entry.get("certificate"):
                chain = "\n".join(_texts(entry.get("chain")))
                return Certificate(str(entry.get("ca") or ""), chain, str(entry["certificate"]), request.key)
        return None

    def _entries(self, relation: str, key: str, request: Request) -> list[dict[str, Any]]:
        """Return the entries for *request* in the list *key* of the provider's databag."""
        value = json_list(self.application(relation).get(key) or "[]")
        entries = [entry for entry in value if isinstance(entry, dict)]
        csr = request.csr.strip()
        return [entry for entry in entries if csr in (_text(entry, "certificate_signing_request"), _text(entry, "csr"))]

    @property
    def _unit_name(self) -> str:
        return hookenv.local_unit().replace("/", "_")


def _text(entry: dict[str, Any], key: str) -> str:
    return str(entry.get(key, "")).strip()


def _texts(value: Any) -> list[str]:
    """Return the texts in *value*, which should be a list of them, and is one text from some CAs."""
    values = value if isinstance(value, list) else [value]
    return [one for one in values if isinstance(one, str)]
