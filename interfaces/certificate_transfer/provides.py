"""The CA that clients of the registry must trust, for applications that do not get it over docker-registry.

https://documentation.ubuntu.com/charmlibs/reference/interfaces/certificate_transfer. Version 1, in the application's
databag: `certificates`, a JSON list of PEM texts, and `version`. The other application says in its own databag that it
reads that. For those of version 0, each unit publishes `ca`, `certificate` and `chain` as JSON too.
"""

import json

from charms.layer import endpoints, leadership


class CertificateTransferProvides(endpoints.Endpoint):
    """The relations to applications that trust the registry."""

    reads_application = True

    def publish_ca(self, certificates: list[str]) -> None:
        """Publish the PEM texts of these certificates; without any, that there is nothing to trust."""
        listed = json.dumps(sorted(certificates))
        for relation in self.relation_ids:
            if leadership.is_leader():
                self.publish(relation, {"certificates": listed, "version": "1"}, application=True)
            old = certificates if self.application(relation).get("version") != "1" else []
            first = json.dumps(old[0]) if old else None
            chain = json.dumps(old) if old else None
            self.publish(relation, {"ca": first, "certificate": first, "chain": chain, "version": "0" if old else None})
