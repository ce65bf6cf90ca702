"""A bucket of S3 from an integrator: s3-integrator, or whatever else provides the interface.

https://documentation.ubuntu.com/charmlibs/reference/interfaces/s3/v1. All is in databags of applications. The leader
asks for a `bucket` (a name), and says by `requested-secrets` (JSON list) that it can read Juju secrets. Providers of
version 1 then answer with `secret-extra`, the URI of a secret with `access-key` and `secret-key`; those of version 0
write these two into the databag. Beside them: `bucket`, which may be another one, `endpoint`, `region`, `path`,
`storage-class`, `s3-api-version` (2 or 4), `tls-ca-chain` (JSON list of PEM, or base64 of it).

Not read: `s3-uri-style`, as the bucket is in the path of an endpoint's URLs always; `attributes`.
"""

import json
import os

from charmhelpers.core import hookenv
from charms.layer import endpoints, juju_secrets, leadership
from registry.formats import certificates
from registry.formats.relations import Bucket
from registry.options.secrets import SecretError

KEYS = ("access-key", "secret-key")


class S3(endpoints.Endpoint):
    """The relation to an S3 integrator."""

    reads_application = True

    def ask(self) -> None:
        """Ask for a bucket of this application's own, where the integrator does not name one."""
        if not self.relation_ids or not leadership.is_leader():
            return
        settings = {
            "bucket": f"{hookenv.application_name()}-{os.environ.get('JUJU_MODEL_UUID', '')[:8]}".strip("-"),
            "requested-secrets": json.dumps(KEYS),
            "lib-version": "1.0",
        }
        for relation in self.relation_ids:
            self.publish(relation, settings, application=True)

    def bucket(self) -> Bucket | None:
        """Return what the first integrator gives; None without the relation."""
        found = [self._given(relation) for relation in self.relation_ids]
        return next((one for one in found if one.is_whole), found[0] if found else None)

    def _given(self, relation: str) -> Bucket:
        bag, trouble = self.application(relation), ""
        try:
            keys = juju_secrets.read(bag["secret-extra"], self.provider(relation)) if "secret-extra" in bag else bag
        except SecretError as error:
            keys, trouble = {}, str(error)
        return Bucket(
            bucket=bag.get("bucket", ""),
            accesskey=keys.get("access-key", ""),
            secretkey=keys.get("secret-key", ""),
            endpoint=bag.get("endpoint", ""),
            region=bag.get("region", ""),
            path=bag.get("path", ""),
            storageclass=bag.get("storage-class", ""),
            signature=bag.get("s3-api-version", ""),
            ca=_chain(bag.get("tls-ca-chain", "")),
            trouble=trouble,
        )


def _chain(text: str) -> str:
    """Return the certificates of `tls-ca-chain` as PEM; what cannot be read stays as it is, for a sentence about it."""
    try:
        return "".join(map(certificates.bundle, json.loads(text)))
    except (ValueError, TypeError):
        return text
