"""The checks, run by the real NRPE as it runs them: the tests run in order, on a machine of their own."""

import jubilant
import pytest
import yaml
from unit import Unit

APP = "watched"


@pytest.fixture(scope="module")
def registry(model, charm, archives, stand_in):
    model.deploy(charm, APP, resources={"registry-image": str(archives.registry)})
    model.deploy(stand_in("nrpe"), "nrpe")
    model.integrate(f"{APP}:nrpe-external-master", "nrpe:nrpe-external-master")
    unit = Unit(model, f"{APP}/0")
    unit.settle()
    yield unit
    model.remove_application(*model.status().apps.keys() & {APP, "nrpe", "issuer-of-watched"}, force=True)


def commands(unit):
    """The commands that NRPE, and whoever asks it, is told of."""
    (nrpe,) = unit.juju.status().get_units("nrpe")
    told = Unit(unit.juju, nrpe).databag("nrpe-external-master", unit.name)
    return [check["command"] for check in yaml.safe_load(told["monitors"])["monitors"]["remote"]["nrpe"].values()]


def results(unit):
    """What each check says, its first word by the name of its command."""
    ask = (
        "for c in "
        + " ".join(commands(unit))
        + "; do echo $c $(/usr/lib/nagios/plugins/check_nrpe -H 127.0.0.1 -c $c); done"
    )
    lines = unit.exec(ask).splitlines()
    print(lines)
    return {
        name.removeprefix("check_docker_registry_"): next(
            word for word in ("OK", "WARNING", "CRITICAL", "UNKNOWN", "") if word in words
        )
        for name, _, words in (line.partition(" ") for line in lines)
    }


PLAIN = {"http": "OK", "container": "OK", "storage": "OK"}


def test_all_is_well(registry):
    assert results(registry) == PLAIN
    (export,) = registry.exec("ls /var/lib/nagios/export | grep _http").split()
    assert export == f"service__ctx-{APP}-0_check_docker_registry_http.cfg"


def test_a_hook_that_changes_nothing_writes_nothing(registry):
    look = "stat -c %n%Y /etc/nagios/nrpe.d/* /var/lib/nagios/export/*; systemctl show -P MainPID nagios-nrpe-server"
    before = registry.exec(look)
    registry.update_status()
    assert registry.exec(look) == before


def test_a_registry_that_is_stopped_is_critical(registry):
    registry.run("stop")
    assert results(registry) == {**PLAIN, "http": "CRITICAL", "container": "CRITICAL"}
    registry.run("start")
    assert results(registry) == PLAIN


def test_with_tls_the_certificate_is_looked_at(registry, stand_in):
    registry.juju.deploy(stand_in("authority"), "issuer-of-watched")
    registry.juju.integrate(f"{APP}:cert-provider", "issuer-of-watched:certificates")
    registry.settle()
    assert results(registry) == {**PLAIN, "certificate": "OK"}
    registry.exec("cp /etc/ssl/certs/ca-certificates.crt /etc/nagios/docker-registry-ca.crt")
    assert results(registry)["http"] == "CRITICAL", "who trusts others does not trust it"
    registry.update_status()
    assert results(registry)["http"] == "OK"
    registry.juju.config("issuer-of-watched", {"days": 10, "issue": 2})
    registry.settle()
    assert results(registry)["certificate"] == "OK", "short-lived certificates are not always about to expire"


def test_the_files_go_with_the_relation(registry):
    registry.juju.remove_relation(f"{APP}:nrpe-external-master", "nrpe:nrpe-external-master")
    registry.settle()
    with pytest.raises(jubilant.CLIError):
        registry.exec(
            "ls /etc/nagios/nrpe.d /var/lib/nagios/export /usr/local/lib/nagios/plugins /etc/nagios | grep docker"
        )
