"""Logs and metrics."""

import pytest
import yaml
from registry.options import options
from registry.plan import decision
from registry.release import configuration, container
from registry.release.release import Release
from test_options import DEFAULTS
from test_plan import container as registry_container
from test_plan import facts


def asked(**changes):
    return options.Options.from_config({**DEFAULTS, **{k.replace("_", "-"): v for k, v in changes.items()}})


@pytest.mark.parametrize("level", ["", "warning"])
def test_an_unknown_level_is_a_sentence(level):
    assert asked(log_level=level).sentences == (
        f"log-level: {level!r} is not supported. Use one of error, warn, info, debug.",
    )


def test_the_log_is_as_asked():
    found = yaml.safe_load(configuration.config_yml(asked(log_level="warn", log_access=False), "hush", 2))
    assert found["log"] == {
        "level": "warn",
        "formatter": "json",
        "fields": {"service": "registry"},
        "accesslog": {"disabled": True},
    }


def planned(held=False, current=None, state=None, **changes):
    return decision.decide(
        asked(**changes), facts(debug_port_held=held, current=current, container=state and registry_container(state))
    )


def test_nothing_listens_for_metrics_unless_they_are_asked_for():
    assert planned().release.container.ports == {"5000": 5000}
    assert "debug" not in yaml.safe_load(planned().release.config_yml)["http"]
    on = planned(prometheus_metrics=True, debug_port=6001, debug_address="127.0.0.1").release
    assert on.container.ports == {"5000": 5000, "5001": 6001}
    bindings = container.create_body(on.container, "/x", "x")["HostConfig"]["PortBindings"]
    assert bindings["5000/tcp"] == [{"HostIp": "", "HostPort": "5000"}]
    assert bindings["5001/tcp"] == [{"HostIp": "127.0.0.1", "HostPort": "6001"}]
    assert Release.from_files(on.files()) == on


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"debug_port": 0}, "debug-port: 0 is not a port. Use a number from 1 to 65535."),
        (
            {"debug_address": "localhost"},
            "debug-address: 'localhost' is not an IP address. Use an address of this machine, for example 127.0.0.1.",
        ),
        (
            {"debug_address": "fe80::1%e0"},
            "debug-address: 'fe80::1%e0' is not an IP address. Use an address of this machine, for example 127.0.0.1.",
        ),
        (
            {"prometheus_metrics": True, "debug_port": 5000},
            "debug-port, registry-port: both are 5000. Use another port for the metrics.",
        ),
    ],
)
def test_a_wrong_port_or_address_is_a_sentence(changes, sentence):
    assert planned(**changes).problems == (sentence,)


def test_the_ports_may_be_equal_while_one_is_not_in_use():
    assert planned(debug_port=5000).problems == ()


def test_a_port_that_somebody_has_is_a_sentence_unless_that_is_the_registry():
    on = {"prometheus_metrics": True}
    taken = "debug-port: 5001 is in use by another program on this machine. Stop it or choose another port."
    before, after = planned().release, planned(**on).release
    assert planned(held=True, current=before, state="running", **on).problems == (taken,)
    assert planned(held=True, current=after, state="running", **on).problems == ()
    assert planned(held=True, current=after, state="exited", **on).problems == (taken,)
