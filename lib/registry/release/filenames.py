"""Names of the files beside config.yml in the folder of a release."""

from __future__ import annotations

TLS = {"ca": "tls-ca.crt", "cert": "tls.crt", "key": "tls.key"}
"""Copies of what the registry presents, by kind."""
CLIENT_CA = "client-ca.crt"
"""The CAs whose certificates clients have to show."""
TLS_SOURCES = "tls.json"
"""Says where each of those copies is from: a path, or a word such as `RELATION`."""
TLS_COPIES = (*TLS.values(), TLS_SOURCES, CLIENT_CA)
"""All the files that have to do with TLS."""
RELATION = "cert-provider"
"""Source of what the CA of that relation has issued."""
TOKEN_CA = "token-ca.pem"  # noqa: S105 - a name
"""The CAs that sign tokens."""
TRUSTED_CA = "store-ca.pem"
"""The CAs that the registry trusts as a client, besides the image's: of the object store or the upstream registry."""
WRITABLE = "writable.json"
"""What config.yml has once the registry accepts pushes again, which the charm makes it refuse for a while."""
STORE = "store.json"
"""Says that the bucket comes from the relation s3-credentials."""
