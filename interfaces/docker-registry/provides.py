"""The registry for its clients: containerd, docker, Kubernetes.

Unit databag of every unit, JSON values: `registry_netloc`, `registry_url`, `basic_user`, `basic_password`, `tls_ca`.
Values that are not set are null: clients do not notice a key that is removed.

Clients read the databag of the unit whose name sorts first as a string, and do not notice when it departs. So each
unit also publishes the name of that unit, as `registry_unit`: clients ignore the key, but read again when it changes.
"""

import json

from charms.layer import endpoints
from registry.formats.relations import Access


class DockerRegistry(endpoints.Endpoint):
    """The relations to clients, which publish nothing."""

    def publish_access(self, relation: str, access: Access) -> None:
        """Publish to the clients of *relation* how to connect to the registry."""
        settings = {
            "registry_netloc": access.netloc,
            "registry_url": access.url,
            "basic_user": access.user,
            "basic_password": access.password,
            "tls_ca": access.ca,
            "registry_unit": access.unit,
        }
        self.publish(relation, {key: json.dumps(value) for key, value in settings.items()})
