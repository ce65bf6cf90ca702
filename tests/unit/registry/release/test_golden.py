"""config.yml as a whole, for each generation of the registry and each theme of options.

`GOLDEN=write pytest tests/unit/registry/release/test_golden.py` writes the files anew: look at the difference then.
"""

import os
import pathlib

import pytest
from authority import ROOT
from registry.options import options
from registry.release import configuration
from test_authentication import TOKEN
from test_contract import S3, S3_CHANGES, SWIFT, SWIFT_CHANGES
from test_options import DEFAULTS
from test_tls import TLS

GOLDEN = pathlib.Path(__file__).parent / "golden"
BOTH = {
    "default": {},
    "users": {"auth-basic-password": "pw"},
    "token": TOKEN,
    "log": {"log-level": "warn", "log-format": "text", "log-access": False},
    "cache": {"cache-remoteurl": "https://registry-1.docker.io"},
    "cache-all": {
        "cache-remoteurl": "https://registry-1.docker.io",
        "cache-username": "me",
        "cache-password": "pw",
        "cache-ttl": "24h",
    },
    "tls": {**TLS, "tls-client-ca-blob": ROOT},
    "metrics": {"prometheus-metrics": True},
    "storage": {
        "storage-cache": "disabled",
        "storage-delete": True,
        "storage-purge-age": "",
        "storage-read-only": True,
        "storage-redirect-disable": False,
    },
    "content": {"validation-urls-allow": "^https?:// ^ftp://", "catalog-max-entries": 100},
    "s3": S3,
    "s3-endpoint": {**S3, "storage-s3-regionendpoint": "https://s3.example.com", "storage-s3-skip-v4-auth": False},
    "s3-all": {**S3, "storage-s3-keyid": "key", **{f"storage-s3-{name}": value for name, value in S3_CHANGES.items()}},
}
CASES = {f"{theme}-{generation}": (config, generation) for theme, config in BOTH.items() for generation in (2, 3)} | {
    "swift-2": (SWIFT, 2),
    "swift-all-2": ({**SWIFT, **{f"storage-swift-{name}": value for name, value in SWIFT_CHANGES.items()}}, 2),
}


@pytest.mark.parametrize("case", CASES)
def test_the_configuration_is_the_golden_one(case):
    config, generation = CASES[case]
    wanted = options.Options.from_config({**DEFAULTS, **config})
    assert wanted.sentences == ()
    text = configuration.config_yml(wanted, "hush", generation, encrypted="tls-cert-blob" in config)
    file = GOLDEN / f"{case}.yml"
    if os.environ.get("GOLDEN") == "write":
        file.write_text(text)
    assert text == file.read_text()


def test_there_is_no_other_golden_file():
    assert {file.stem for file in GOLDEN.iterdir()} == CASES.keys()
