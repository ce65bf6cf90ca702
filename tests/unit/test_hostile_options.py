"""Whatever an operator sets, a hook ends well, and the value stays a value."""

import os
import shutil

import pytest
import yaml
from fake_juju import ROOT
from fake_machine import READY
from hostile import SECRET, VALUES, WATCH, naming, refuse_paths, refuse_programs, require_unharmed, some
from hypothesis import HealthCheck, given, seed, settings
from registry.options import options
from test_endpoints import relate
from test_options import DEFAULTS
from test_properties import CHANGES

PURE = yaml.SafeLoader
OPTIONS = yaml.safe_load((ROOT / "config.yaml").read_text())["options"]
TEXTS = sorted(name for name, option in OPTIONS.items() if option["type"] == "string")
PARTNERS = {
    "cache-": {"cache-remoteurl": "https://registry.example.com"},
    "storage-s3-": {
        "storage-s3-bucket": "images",
        "storage-s3-region": "here",
        "storage-s3-accesskey": "ak",
        "storage-s3-secretkey": "sk",
    },
    "storage-swift-": {
        "storage-swift-authurl": "http://swift:5000/v3",
        "storage-swift-username": "u",
        "storage-swift-password": "p",
    },
    "auth-basic-": {"auth-basic-password": "hush"},
    "docker_runtime_": {"docker_runtime": "custom", "docker_runtime_package": "docker.io"},
    "install_keys": {"install_sources": "- deb http://x y z"},
    "prune-": {"prune-schedule": "daily", "prune-policy": "keep=3"},
    "website-": {"tls-cert-blob": VALUES["certificate"], "tls-key-blob": VALUES["key"]},
    "registry-http": {"cache-remoteurl": "https://registry.example.com"},
}
"""What makes the charm use an option with this prefix."""


def partners(option):
    return next((values for prefix, values in PARTNERS.items() if option.startswith(prefix)), {})


@pytest.fixture
def run(deployed, juju, machine, home, tmp_path, monkeypatch):
    refuse_programs(monkeypatch, juju.folder)
    refuse_paths(monkeypatch, home, tmp_path)
    relate(juju, deployed, "website", {"haproxy/0": {"ingress-address": "10.0.8.8"}}, 1)
    relate(juju, deployed, "nrpe-external-master", {"nrpe/0": {"nagios_hostname": "juju-x"}}, 2)
    relate(juju, deployed, "docker-registry", {"node/0": {}}, 3)
    before = juju.model["config"]

    def set_all(changes):
        juju.change(config={**before, **changes})
        with WATCH.watching(home, tmp_path):
            deployed.hook("config-changed")
        own = tuple(str(value).strip() for name, value in changes.items() if name.endswith("-path"))
        require_unharmed(juju, machine, "daemon-opts", own=own)

    def run(option, value):
        # libyaml reads no half of a character, and the machine has no libyaml.
        monkeypatch.setattr(yaml, "SafeLoader", PURE if "\ud800" in value else yaml.CSafeLoader)
        juju.change(config={**before, **partners(option), option: value})
        own = (value.strip(),) if option.endswith("-path") else ()
        with WATCH.watching(home, tmp_path):
            deployed.hook("config-changed")
        require_unharmed(juju, machine, option, own=own)

    def end():
        juju.change(config=before)
        deployed.hook("config-changed")
        assert juju.model["status"][0] == READY[0], juju.model["status"]

    run.end, run.set = end, set_all
    return run


def is_accepted(option, value):
    """Tell whether the value has no problem; require that a problem shows no secret and nothing unprintable."""
    found = options.Options.from_config({**DEFAULTS, **partners(option), option: value})
    for sentence in found.sentences:
        assert sentence.isprintable(), (option, value[:50])
        assert len(sentence) < 600, sentence
        assert SECRET not in sentence
    return not found.sentences


CASES = [(option, name) for option in TEXTS for name in VALUES]


@some(CASES)
def test_a_hostile_value_stays_a_value(run, cases):
    before = ""
    for number, (option, name) in enumerate(cases):
        with naming(option, name):
            # What is refused takes the same way whatever the option is: some of them are enough.
            if is_accepted(option, VALUES[name]) or number % 4 == 0:
                run(option, VALUES[name])
            if option != before:
                run.end()
        before = option


@pytest.mark.parametrize("count", [20, pytest.param(5000, marks=pytest.mark.soak)])
def test_random_options_end_in_no_hook_error_and_can_be_reset(run, deployment, home, juju, machine, count):
    kept = type(deployment)(home.parent / "kept")
    shutil.rmtree(kept.folder, ignore_errors=True)
    kept.keep(home, juju, machine)
    number = int(os.environ.get("SEED", "18"))
    print(f"SEED={number}")

    @seed(number)
    @settings(max_examples=count, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(CHANGES)
    def examples(changes):
        kept.bring_back(home, juju, machine)
        run.set(changes)
        run.end()

    examples()
