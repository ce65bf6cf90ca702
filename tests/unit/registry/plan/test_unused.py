"""Options that are set without effect: applied as before, with a warning; the earlier charm ignored them silently."""

import time

import pytest
from registry.options.options import Options
from registry.plan import decision
from test_authentication import TOKEN
from test_contract import CACHE, S3, SWIFT, USER
from test_options import DEFAULTS
from test_plan import facts
from test_tls import TLS

PAIR = {option: TLS[option] for option in ("tls-cert-blob", "tls-key-blob")}
CASES = {
    "a KMS key without encryption": (S3, {"storage-s3-keyid": "k"}, "storage-s3-encrypt is off"),
    "a region": ({}, {"storage-s3-region": "eu"}, "storage-s3-bucket is not set"),
    "a flag of S3": ({}, {"storage-s3-secure": False}, "storage-s3-bucket is not set"),
    "keys of S3": ({}, {"storage-s3-accesskey": "k", "storage-s3-secretkey": "s"}, "storage-s3-bucket is not set"),
    "a size of S3 that is none": ({}, {"storage-s3-chunksize": 1}, "storage-s3-bucket is not set"),
    "a container": ({}, {"storage-swift-container": "c"}, "storage-swift-authurl is not set"),
    "a region of Swift beside S3": (S3, {"storage-swift-region": "one"}, "storage-swift-authurl is not set"),
    "redirects from a disk": ({}, {"storage-redirect-disable": False}, "storage-s3-bucket is not set"),
    "a user of a cache": ({}, {"cache-username": "me"}, "cache-remoteurl is not set"),
    "a time of a cache": ({}, {"cache-ttl": "1h"}, "cache-remoteurl is not set"),
    "part of tokens beside users": (
        USER,
        {"auth-token-realm": "https://auth.example.com", "auth-token-service": "x"},
        "auth-token-issuer, auth-token-root-certs is not set",
    ),
    "an address of nothing": ({}, {"debug-address": "127.0.0.1"}, "prometheus-metrics is off"),
    "a repository": ({}, {"docker_runtime_repo": "deb https://x jammy main"}, "docker_runtime is not custom"),
    "packages": ({"docker_runtime": "apt"}, {"docker_runtime_package": "docker-ce"}, "docker_runtime is not custom"),
    "a proxy to nowhere": (
        {},
        {"registry-http-proxy": "http://proxy:3128"},
        "cache-remoteurl or storage-s3-bucket is not set",
    ),
    "a certificate while TLS is off": ({"tls-cert-path": ""}, PAIR, "tls-cert-path is not set"),
    "a version of TLS": ({}, {"tls-minimum-version": "tls1.3"}, "tls-cert-blob is not set"),
}
"""Options that are used, those without effect, and why."""


def plan(config):
    return decision.decide(Options.from_config({**DEFAULTS, **config}), facts(now=time.time()))


@pytest.mark.parametrize("case", CASES)
def test_what_has_no_effect_is_a_warning_and_changes_nothing(case):
    used, without, why = CASES[case]
    base, planned = plan(used), plan({**used, **without})
    assert planned.problems == ()
    assert planned.release == base.release
    names = ", ".join(without)
    other = why.partition(" is ")[0]
    assert planned.warnings == (f"{names}: no effect, because {why}. Change {other} or reset this.",)


@pytest.mark.parametrize("config", [{}, S3, SWIFT, CACHE, USER, TOKEN, TLS, {**TLS, "tls-minimum-version": "tls1.3"}])
def test_what_has_an_effect_is_no_warning(config):
    assert not [warning for warning in plan(config).warnings if "no effect" in warning]


REFUSED = {
    "part of tokens alone": {"auth-token-realm": "https://auth.example.com"},
    "a password without a user": {"auth-basic-user": "", "auth-basic-password": "pw"},
    "a user without a password": {"auth-basic-user": "me"},
    "two kinds of authentication": {**USER, **TOKEN},
    "a key without a certificate": {"tls-key-blob": TLS["tls-key-blob"]},
    "a bucket without a region": {"storage-s3-bucket": "images"},
    "two stores": {**S3, **SWIFT},
    "half of the keys": {**S3, "storage-s3-accesskey": "k"},
}
"""What the earlier charm ignored, and left the registry open, plain, or with its images elsewhere than requested."""


@pytest.mark.parametrize("case", REFUSED)
def test_what_would_open_the_registry_or_move_its_images_is_refused(case):
    planned = plan(REFUSED[case])
    assert len(planned.problems) == 1
    assert planned.release is None
