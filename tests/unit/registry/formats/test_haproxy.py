"""The service that is published to haproxy."""

import base64
import dataclasses

import pytest
import yaml
from registry.formats import haproxy
from registry.options import options
from registry.options.website import Website
from test_options import DEFAULTS

SERVER = haproxy.Server(
    "docker-registry/10",
    "10.0.0.1",
    5000,
    backup=True,
    encrypted=False,
    asks_for_certificates=False,
    terminates=False,
    check_interval=700,
    check_fall=2,
)
PEM = "CERTIFICATE\nKEY\n"
CHECK = "inter 700 fastinter 350 rise 2 fall 2 on-marked-down shutdown-sessions maxconn 4096"
TIMES = "timeout connect 1000, timeout client 300000, timeout server 300000"
SERVICES = f"""\
- service_name: docker-registry
  service_host: 0.0.0.0
  service_port: 5000
  service_options: [mode http, balance leastconn, option redispatch, retries 3, {TIMES}, option httpchk GET / HTTP/1.0]
  servers:
  - [docker-registry-10-5000, 10.0.0.1, 5000, check {CHECK} backup]
"""
HEALTH = "option httpchk GET / HTTP/1.0"


def told(server=SERVER, **config):
    named = {f"website-{name.replace('_', '-')}": value for name, value in config.items()}
    website = Website.from_config({**DEFAULTS, **named})
    choice = {
        "terminates": website.terminates,
        "check_interval": website.check_interval,
        "check_fall": website.check_fall,
    }
    return haproxy.services(dataclasses.replace(server, **choice))


def service(server=None, **config):
    """The service, with what the one server's line says."""
    changes = {"backup": False, **(server or {})}
    (found,) = yaml.safe_load(told(dataclasses.replace(SERVER, **changes), **config))
    return found, found["servers"][0][3]


def test_services():
    assert told() == SERVICES


def test_a_drained_server_is_disabled():
    assert service({"drained": True})[1] == f"check {CHECK} disabled"
    assert service({"drained": True, "backup": True})[1] == f"check {CHECK} disabled backup"


def test_services_keep_their_types():
    found, check = service({"unit": "docker-registry/0", "address": "fd00::1", "port": 443})
    assert found["service_port"] == 443
    assert found["servers"] == [["docker-registry-0-443", "fd00::1", 443, f"check {CHECK}"]]
    assert check == f"check {CHECK}"


def test_tls_is_passed_through_and_looked_at_by_checks():
    found, check = service({"encrypted": True, "pem": PEM})
    assert (found["service_options"][0], found["service_options"][-1]) == ("mode tcp", HEALTH)
    assert check == f"check check-ssl verify none {CHECK}"
    assert "crts" not in found, "the key stays here"


def test_a_registry_that_asks_for_certificates_is_checked_by_a_connection_alone():
    found, check = service({"encrypted": True, "asks_for_certificates": True})
    assert HEALTH not in found["service_options"]
    assert check == f"check {CHECK}"


def test_tls_ends_at_the_proxy_with_the_registrys_certificate():
    found, check = service({"encrypted": True, "pem": PEM}, tls="terminate")
    assert found["service_options"][0] == "mode http"
    assert found["service_options"][-1] == "http-request set-header X-Forwarded-Proto https"
    assert base64.b64decode(found["crts"][0]).decode() == PEM
    assert check == f"check ssl verify none {CHECK}"


def test_tls_ends_at_the_proxy_with_its_own_certificate_where_the_registry_has_none():
    found, check = service(tls="terminate")
    assert found["crts"] == ["DEFAULT"]
    assert check == f"check {CHECK}"


def test_checks_are_options():
    assert service(check_interval=500, check_fall=4)[1].startswith("check inter 500 fastinter 250 rise 2 fall 4 ")


@pytest.mark.parametrize(
    ("option", "value", "text"),
    [
        ("website-tls", "both", "'both' is not supported. Use one of passthrough, terminate"),
        ("website-check-interval", 99, "99 is out of range. Use a number from 100 to 60000 milliseconds"),
        ("website-check-fall", 0, "0 is out of range. Use a number from 1 to 100"),
    ],
)
def test_a_wrong_option_is_a_sentence(option, value, text):
    wanted = options.Options.from_config({**DEFAULTS, option: value})
    assert wanted.sentences == (f"{option}: {text}.",)


def test_no_key_is_printed():
    assert "KEY" not in repr(dataclasses.replace(SERVER, pem=PEM))
