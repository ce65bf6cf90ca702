"""An S3 bucket from an integrator: s3-integrator, or another charm that provides the interface.

https://documentation.ubuntu.com/charmlibs/reference/interfaces/s3/v1. All data are in application databags. The leader
requests a `bucket` (a name), and publishes `requested-secrets` (JSON list) because it can read Juju secrets. Providers
of version 1 then publish `secret-extra`, the URI of a secret with `access-key` and `secret-key`; those of version 0
publish these two in the databag. In addition: `bucket`, which may be another one, `endpoint`, `region`, `path`,
`storage-class`, `s3-api-version` (2 or 4), `tls-ca-chain` (JSON list of PEM, or base64 of it).

Not read: `s3-uri-style`, because endpoints always use path-style addressing; `attributes`.
"""

import json
import os

from charmhelpers.core import hookenv
from charms.layer import endpoints, juju_secrets, leadership
from registry.formats import certificates
from registry.formats.relations import Bucket, json_list
from registry.options.secrets import SecretError

KEYS = ("access-key", "secret-key")


class S3(endpoints.Endpoint):
    """The relation to an S3 integrator."""

    reads_application = True

    def request_bucket(self) -> None:
        """Request a bucket named after this application, which the integrator may override."""
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
        """Return the first complete bucket, or an incomplete one; None without the relation."""
        buckets = [self._bucket(relation) for relation in self.relation_ids]
        return next((bucket for bucket in buckets if bucket.is_complete), buckets[0] if buckets else None)

    def _bucket(self, relation: str) -> Bucket:
        # The integrator passes on what its operator set, with the blanks around it.
        bag, problem = {key: text.strip() for key, text in self.application(relation).items()}, None
        try:
            keys = juju_secrets.read(bag["secret-extra"], self.provider(relation)) if "secret-extra" in bag else bag
        except SecretError as error:
            keys, problem = {}, error.text
        return Bucket(
            bucket=bag.get("bucket", ""),
            accesskey=keys.get("access-key", "").strip(),
            secretkey=keys.get("secret-key", "").strip(),
            endpoint=bag.get("endpoint", ""),
            region=bag.get("region", ""),
            path=bag.get("path", ""),
            storageclass=bag.get("storage-class", ""),
            signature=bag.get("s3-api-version", ""),
            ca=_chain(bag.get("tls-ca-chain", "")),
            error=problem,
        )


def _chain(text: str) -> str:
    """Return the certificates of `tls-ca-chain` as PEM; a *text* that cannot be read as it is, for a message."""
    listed = json_list(text)
    if not listed:
        return "" if text.strip() in ("[]", "null") else text
    try:
        return "".join(certificates.bundle(one) for one in listed if isinstance(one, str)) or text
    except certificates.BadCertificates:
        return text
