"""What haproxy is told, whole."""

import yaml
from registry import website

SERVICES = """\
- service_name: docker-registry
  service_host: 0.0.0.0
  service_port: 5000
  service_options: [mode http, balance leastconn, option httpchk GET / HTTP/1.0]
  servers:
  - [docker-registry-10-5000, 10.0.0.1, 5000, check inter 2000 rise 2 fall 5 maxconn 4096 backup]
"""


def test_services():
    text = website.services("docker-registry/10", "10.0.0.1", 5000, backup=True, encrypted=False)
    assert text == SERVICES


def test_services_keep_their_types():
    (service,) = yaml.safe_load(website.services("docker-registry/0", "fd00::1", 443, backup=False, encrypted=False))
    assert service["service_port"] == 443
    assert service["servers"] == [
        ["docker-registry-0-443", "fd00::1", 443, "check inter 2000 rise 2 fall 5 maxconn 4096"]
    ]


def test_a_proxy_passes_tls_through_and_checks_it():
    (service,) = yaml.safe_load(website.services("docker-registry/0", "10.0.0.1", 5000, backup=False, encrypted=True))
    assert service["service_options"] == ["mode tcp", "balance leastconn", "option httpchk GET / HTTP/1.0"]
    (server,) = service["servers"]
    assert server[3] == "check check-ssl verify none inter 2000 rise 2 fall 5 maxconn 4096"
