"""The registry for its clients: containerd, docker, Kubernetes.

Unit databag of every unit, JSON values: `registry_netloc`, `registry_url`, `basic_user`, `basic_password`, `tls_ca`.
What is off is null: clients do not notice a key that goes away.

Clients take what the unit with the lowest name says, as a string, and do not notice either when that one departs. So
each unit also says which one that is, in `registry_unit`: clients pass over the key, but look again when it changes.
"""

import json

from charms.layer import endpoints
from registry.formats.relations import Access


class DockerRegistry(endpoints.Endpoint):
    """The relations to clients, who write nothing."""

    def publish_access(self, access: Access) -> None:
        """Tell all clients how the registry is reached."""
        settings = {
            "registry_netloc": access.netloc,
            "registry_url": access.url,
            "basic_user": access.user,
            "basic_password": access.password,
            "tls_ca": access.ca,
            "registry_unit": access.unit,
        }
        for relation in self.relation_ids:
            self.publish(relation, {key: json.dumps(value) for key, value in settings.items()})
