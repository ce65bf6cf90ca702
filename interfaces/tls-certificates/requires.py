"""A certificate from a CA, in both dialects at once: one that makes the key, and one that signs a request.

The classic one (easyrsa, vault) is in unit databags. We write `unit_name`, `common_name`, `certificate_name` (raw) and
`sans` (JSON); the provider answers with `ca`, `chain`, `<unit_name>.server.cert`, `<unit_name>.server.key` (PEM).

In the other one (self-signed-certificates, manual-tls-certificates) we write `certificate_signing_requests`, a JSON
list of `{"certificate_signing_request": PEM, "ca": false}`, and the provider answers in its application's databag with
`certificates`, a JSON list of `{"ca", "certificate", "chain": [PEM, ...], "certificate_signing_request", "revoked"}`,
or with `request_errors`, a JSON list of `{"certificate_signing_request" or "csr", "error": {"name", "message"}}`.
"""

import json
from typing import Any

from charmhelpers.core import hookenv
from charms.layer import endpoints
from registry.formats.relations import Certificate, Request


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
            "cert_requests": None,  # the charm before this one asked there for another address
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

    def is_revoked(self, request: Request) -> bool:
        """Tell whether a CA has taken back what it gave for *request*, and gave nothing else for it."""
        answers = [one for relation in self.relation_ids for one in self._answers(relation, "certificates", request)]
        return bool(answers) and all(one.get("revoked") for one in answers)

    def refusal(self, request: Request) -> str:
        """Return the words of a CA that does not give what *request* asks for; empty if none has refused."""
        for relation in self.relation_ids:
            for one in self._answers(relation, "request_errors", request):
                error = one.get("error")
                told = error if isinstance(error, dict) else {}
                return str(told.get("message") or told.get("name") or "without a reason")
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
        for answer in self._answers(relation, "certificates", request):
            if not answer.get("revoked") and answer.get("certificate"):
                chain = "\n".join(map(str, answer.get("chain") or ()))
                return Certificate(str(answer.get("ca") or ""), chain, str(answer["certificate"]), request.key)
        return None

    def _answers(self, relation: str, key: str, request: Request) -> list[dict[str, Any]]:
        """Return what the list *key* of the provider's databag says to *request*."""
        try:
            found = json.loads(self.application(relation).get(key) or "[]")
        except ValueError:
            return []
        said = [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
        asked = request.csr.strip()
        return [one for one in said if asked in (_text(one, "certificate_signing_request"), _text(one, "csr"))]

    @property
    def _unit_name(self) -> str:
        return hookenv.local_unit().replace("/", "_")


def _text(answer: dict[str, Any], key: str) -> str:
    return str(answer.get(key, "")).strip()
