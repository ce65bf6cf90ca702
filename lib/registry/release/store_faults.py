"""What is wrong with an object store, from the registry's own words: the option that is the likely cause."""

from __future__ import annotations

import dataclasses
import re

import yaml

from registry.message import Message, Text
from registry.options import storage
from registry.release.release import Release

STORE_SILENT = Message("{url} does not answer ({error})", "Check the URL and the network. Retrying automatically")
"""The registry cannot connect to the object store, or the store does not answer in time."""
STORE_UNTRUSTED = Message(
    "the certificate of {url} is not trusted ({error})",
    "Set trusted-ca-blob to its CA, or use a URL for which it is valid",
)
"""The object store presents a certificate that the registry does not accept."""
UNKNOWN_KEY = Message("the S3 store does not know this key ({error})", "Check the key")
"""The S3 store has no user with the access key, or no key is configured and the machine has no role."""
WRONG_SECRET = Message("the S3 store does not accept this secret key ({error})", "Check the key")
"""The secret key does not belong to the access key, or the machine's clock is wrong."""
ACCESS_DENIED = Message(
    "the S3 store denies access to the bucket {bucket} ({error})", "Grant the user of the key to list, read and write"
)
"""The S3 store knows the key, and does not allow it what the registry needs."""
NO_BUCKET = Message("the S3 store has no bucket {bucket} ({error})", "Create it")
"""The registry uses an existing bucket and never creates one."""
LOGIN_REJECTED = Message(
    "Swift does not accept this user ({error})", "Check the user's name, password, tenant and domain"
)
"""Swift, or Keystone, does not know the user, or the password, the tenant or the domain is another one."""
CONTAINER_DENIED = Message(
    "Swift denies access to the container {bucket} ({error})", "Grant the user to list, read and write"
)
"""The user can log in to Swift, and is not allowed what the registry needs."""
SWIFT_SILENT = Message(
    "the object store that {url} names does not answer ({error})", "Check the network. Retrying automatically"
)
"""The login to Swift succeeds, and the registry cannot connect to the URL of the store in the answer."""
WRONG_REGION = Message("the bucket {bucket} is not in the region {region} ({error})", "Set the region of the bucket")
"""The S3 store answers that the bucket is in another region, or that the request is malformed for this one."""

_UNTRUSTED = r"x509:|tls: |certificate"
_SILENT = (
    r"dial tcp|no such host|i/o timeout|connection re(?:fused|set)|no route to host|unreachable|deadline exceeded"
    r"|no answer within|\bEOF\b|Timeout when"
)
_FAULTS = {
    "s3": (
        (_UNTRUSTED, "regionendpoint", STORE_UNTRUSTED),
        (r"InvalidAccessKeyId|NoCredentialProviders|EmptyStaticCreds", "accesskey", UNKNOWN_KEY),
        (r"SignatureDoesNotMatch|RequestTimeTooSkewed", "secretkey", WRONG_SECRET),
        (r"AccessDenied|AllAccessDisabled|Forbidden|status code: 40[13]\b", "accesskey", ACCESS_DENIED),
        (r"NoSuchBucket|NotFound|status code: 404\b", "bucket", NO_BUCKET),
        (
            r"AuthorizationHeaderMalformed|PermanentRedirect|BucketRegionError|MovedPermanently|BadRequest"
            r"|InvalidBucketName|status code: (?:301|307|400)\b",
            "region",
            WRONG_REGION,
        ),
        (
            rf"{_SILENT}|RequestError|RequestCanceled|SerializationError|status code: 5\d\d\b",
            "regionendpoint",
            STORE_SILENT,
        ),
    ),
    "swift": (
        (_UNTRUSTED, "authurl", STORE_UNTRUSTED),
        (r"uthentication failed: .*(?:Authorization Failed|Operation forbidden)", "password", LOGIN_REJECTED),
        (r"container .*(?:Authorization Failed|Operation forbidden)", "container", CONTAINER_DENIED),
        (rf"container .*(?:{_SILENT}|HTTP Error: 5\d\d\b)", "authurl", SWIFT_SILENT),
        (rf"{_SILENT}|HTTP Error: 5\d\d\b", "authurl", STORE_SILENT),
    ),
}
"""Errors of the AWS SDK for Go, of ncw/swift and of Go's network, the more special ones first: option, message.

https://github.com/ncw/swift
"""


@dataclasses.dataclass(frozen=True)
class Fault:
    """What is wrong with the store, and the option, or key of the relation, that is the likely cause."""

    option: str
    text: Text


def find(release: Release, words: str) -> Fault | None:
    """Return the fault of the object store of *release* that *words* tell of; None if they tell of something else."""
    settings = yaml.safe_load(release.config_yml)["storage"]
    driver = next((name for name in _FAULTS if settings.get(name)), None)
    if driver is None:
        return None
    faults, parameters = _FAULTS[driver], settings[driver]
    found = next(((name, message) for pattern, name, message in faults if re.search(pattern, words)), None)
    if found is None:
        return None
    name, message = found
    endpoint = parameters.get("regionendpoint") or parameters.get("authurl")
    url = endpoint or f"Amazon S3 in the region {parameters.get('region')}"
    option = f"storage-{driver}-{'region' if name == 'regionendpoint' and not endpoint else name}"
    if release.has_bucket_of_relation:
        option = f"{storage.RELATION} ({storage.RELATION_KEYS[option]})"
    container = parameters.get("bucket") or parameters.get("container")
    values = {"url": url, "bucket": container, "region": parameters.get("region")}
    # What follows the URL of the request, which is long and says nothing new.
    reason = words.rpartition('": ')[2].rstrip(".")[:100]
    return Fault(option, message(error=reason, **values))
