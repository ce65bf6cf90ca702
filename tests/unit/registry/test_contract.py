"""Every option of config.yaml does something, and the page of options says what."""

import pathlib

import pytest
from authority import ROOT
from registry.plan import decision, published
from registry.release.image import Image
from test_authentication import TOKEN
from test_options import CONFIG, DEFAULTS
from test_plan import facts, wanted
from test_tls import TLS

OPTIONS_PAGE = (pathlib.Path(__file__).parents[3] / "docs/reference/options.md").read_text()
USER = {"auth-basic-password": "pw"}
S3 = {"storage-s3-bucket": "images", "storage-s3-region": "eu-west-1"}
S3_CHANGES = {
    "accelerate": True,
    "accesskey": "key",
    "bucket": "other",
    "chunksize": 20971520,
    "encrypt": True,
    "forcepathstyle": True,
    "loglevel": "debug",
    "multipartcopychunksize": 67108864,
    "multipartcopymaxconcurrency": 10,
    "multipartcopythresholdsize": 67108864,
    "objectacl": "public-read",
    "region": "eu-west-2",
    "regionendpoint": "s3.example.com",
    "rootdirectory": "/registry",
    "secretkey": "key",
    "secure": False,
    "skip-verify": True,
    "storageclass": "REDUCED_REDUNDANCY",
    "usedualstack": True,
    "useragent": "juju",
}
SWIFT = {
    "storage-swift-authurl": "http://swift.example.com:8080/auth/v1.0",
    "storage-swift-password": "pw",
    "storage-swift-username": "test:tester",
}
SWIFT_CHANGES = {
    "authurl": "https://other.example.com/v3",
    "container": "images",
    "domain": "default",
    "password": "other",
    "region": "one",
    "tenant": "service",
    "username": "other",
}
CACHE = {"cache-remoteurl": "https://registry-1.docker.io"}

CHANGES = {
    "auth-basic-bcrypt-cost": ({**USER}, 4),
    "auth-basic-password": ({}, "pw"),
    "auth-basic-user": ({**USER}, "me"),
    "auth-basic-users": ({}, "me: x"),
    **{option: ({**TOKEN}, "") for option in TOKEN},
    "cache-password": ({**CACHE, "cache-username": "me", "cache-password": "pw"}, "other"),
    "cache-remoteurl": ({}, CACHE["cache-remoteurl"]),
    "cache-ttl": (CACHE, "24h"),
    "cache-username": ({**CACHE, "cache-username": "me", "cache-password": "pw"}, "you"),
    "catalog-max-entries": ({}, 100),
    "container-cpu-limit": ({}, "1.5"),
    "container-memory-limit": ({}, "1g"),
    "drain-timeout": ({}, 0),
    "http-host": ({}, "https://registry.example.com"),
    "debug-address": ({"prometheus-metrics": True}, "127.0.0.1"),
    "debug-port": ({"prometheus-metrics": True}, 5002),
    "prometheus-metrics": ({}, True),
    "log-access": ({}, False),
    "log-format": ({}, "text"),
    "log-driver": ({}, "journald"),
    "log-level": ({}, "debug"),
    "log-max-files": ({}, 2),
    "log-max-size": ({}, "1m"),
    "registry-name": ({}, "images"),
    "registry-port": ({}, 5001),
    "registry-http-proxy": (S3, "http://proxy:3128"),
    "registry-https-proxy": (S3, "http://proxy:3128"),
    "storage-cache": ({}, "disabled"),
    "storage-delete": ({}, True),
    "storage-purge-age": ({}, "1h"),
    "storage-purge-interval": ({}, "1h"),
    "storage-read-only": ({}, True),
    "storage-redirect-disable": ({}, False),
    **{f"storage-s3-{name}": (S3, value) for name, value in S3_CHANGES.items()},
    "storage-s3-keyid": ({**S3, "storage-s3-encrypt": True}, "key"),
    "storage-s3-skip-v4-auth": ({**S3, "storage-s3-regionendpoint": "s3.example.com"}, False),
    **{f"storage-swift-{name}": (SWIFT, value) for name, value in SWIFT_CHANGES.items()},
    "tls-ca-blob": ({**TLS}, ""),
    "tls-client-ca-blob": ({**TLS}, ROOT),
    "tls-cert-blob": ({**TLS}, ""),
    "tls-cert-path": ({**TLS}, ""),
    "tls-key-blob": ({**TLS}, ""),
    "tls-minimum-version": ({**TLS}, "tls1.3"),
    "trusted-ca-blob": (S3, ROOT),
    "validation-urls-allow": ({}, "^https://"),
    "website-check-fall": ({}, 3),
    "website-check-interval": ({}, 500),
    "website-tls": ({}, "terminate"),
}
"""Option: the others that it needs, and a value that must make a difference."""
RUNTIME = {
    *("daemon-opts", "docker-opts", "docker_runtime", "docker_runtime_key_url", "docker_runtime_package"),
    *("docker_runtime_repo", "extra_packages", "http_proxy", "https_proxy", "install_keys", "install_sources"),
    *("no_proxy", "package_status"),
}
UPKEEP = {"gc-schedule", "prune-policy", "prune-protect", "prune-schedule"}
BY_FACTS = {
    "nagios_context": "it is in the files for NRPE: test_nagios",
    "nagios_servicegroups": "it is in the files for NRPE: test_nagios",
    "registry-image": "it names the image to look for; what is found is a fact",
    "storage-minimum-free": "it is compared with what is free, a fact: test_room",
    "tls-ca-path": "it names a file to read; what is in it is a fact",
    "tls-key-path": "it names a file to read; what is in it is a fact",
    **dict.fromkeys(RUNTIME, "it is about the machine below the registry: what it does is in test_docker_runtime"),
    **dict.fromkeys(UPKEEP, "it is about when the actions run, and on what: test_image_actions, test_schedules"),
}
"""Options whose effect comes by way of a fact, with the reason."""


def outcome(config, version):
    """All that comes of the options, secrets without their salt."""
    asked = wanted(**{option.replace("-", "_"): value for option, value in config.items()})
    known = facts(image=Image("registry:2", "sha256:one", version), clients=True)
    planned = decision.decide(asked, known)
    users = [line.split("$")[0:3] for line in (planned.users or "").splitlines()]
    told = published.published(asked, known, planned.release) if planned.release else None
    return planned.release, planned.problems, planned.warnings, users, told


@pytest.mark.parametrize("option", sorted(CONFIG.keys() - BY_FACTS.keys()))
def test_an_option_makes_a_difference(option):
    assert option in CHANGES, f"say in CHANGES which value of {option} makes a difference"
    base, value = CHANGES[option]
    before = {**DEFAULTS, **base}
    assert before[option] != value
    assert any(
        outcome(before, version) != outcome({**before, option: value}, version) for version in ("2.8.3", "3.0.0")
    )


def test_every_option_is_described():
    for option in CONFIG:
        assert f"### `{option}`" in OPTIONS_PAGE, f"docs/reference/options.md does not describe {option}"
        assert len(CONFIG[option]["description"]) > 20, option


def test_nothing_is_said_of_options_that_are_gone():
    assert CHANGES.keys() | BY_FACTS.keys() == CONFIG.keys()
