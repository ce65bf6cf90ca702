"""Proxies of today, haproxy-route and haproxy-route-tcp, through the real dispatch.

The library of the other end is in no package index: the models here have the fields, types and limits of
https://github.com/canonical/haproxy-operator (haproxy_route of version 2, haproxy_route_tcp of version 1), and unlike
it refuse a field that they do not know.
"""

import ipaddress
import json
from typing import Annotated, Literal

import pydantic
import pytest
from test_certificate_transfer import S3, TLS, ours, say
from test_endpoints import bag, relate

Word = Annotated[str, pydantic.Field(pattern=r"^[^\n\t#\\'\"\r$ ]+$")]
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Port = Annotated[int, pydantic.Field(gt=0, le=65525)]


class Model(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid", strict=True)

    @classmethod
    def load(cls, databag):
        return cls.model_validate_json(json.dumps({key: json.loads(value) for key, value in databag.items()}))


class Check(Model):
    interval: pydantic.PositiveInt
    rise: pydantic.PositiveInt
    fall: pydantic.PositiveInt


class HttpCheck(Check):
    path: Word


class Balancing(Model):
    algorithm: Literal["leastconn", "source", "roundrobin"]


class Retry(Model):
    count: int
    redispatch: bool


class Timeout(Model):
    server: pydantic.PositiveInt
    connect: pydantic.PositiveInt
    queue: pydantic.PositiveInt


class Rewrite(Model):
    method: Literal["set-path", "set-query", "set-header"]
    expression: Annotated[str, pydantic.Field(pattern=r"^[^\n]+$")]
    header: Word


class Service(Model):
    hosts: list[Address]
    load_balancing: Balancing
    retry: Retry
    timeout: Timeout
    server_maxconn: int


class Http(Service):
    service: Word
    ports: list[int]
    protocol: Literal["http", "https"]
    hostname: Word | None
    rewrites: list[Rewrite]
    check: HttpCheck


class Tcp(Service):
    port: Port
    backend_port: Port
    check: Check
    enforce_tls: bool
    tls_terminate: bool


MODELS = {"haproxy-route": Http, "haproxy-route-tcp": Tcp}


class Unit(Model):
    address: Address


def sent(juju, name):
    return MODELS[name.split(":")[0]].load(ours(juju, name))


def netloc(juju, name):
    return json.loads(bag(juju, name)["registry_netloc"]), json.loads(bag(juju, name)["registry_url"])


@pytest.mark.parametrize("endpoint", MODELS)
def test_a_proxy_gets_what_it_accepts(deployed, juju, endpoint):
    name = relate(juju, deployed, endpoint, {"haproxy/0": {}}, 1)
    assert Unit.load(bag(juju, name)).address == ipaddress.ip_address("10.0.0.10")
    plain = sent(juju, name)
    assert plain.hosts == [ipaddress.ip_address("10.0.0.10")], "each unit has images of its own: one serves"
    assert (plain.timeout.server, plain.retry.redispatch) == (300, True)
    assert (plain.check.interval, plain.check.fall) == (1, 2)
    others = {f"docker-registry/{n}": {"address": f"10.0.0.{n}", "port": "5000", "scheme": "http"} for n in (1, 2)}
    del others["docker-registry/1"]
    relate(juju, deployed, "peer", others, 2)
    assert sent(juju, name) == plain, "the unit with the lowest number"
    juju.change(config={**S3, **TLS, "http-host": "https://registry.example.com", "website-check-interval": 2100})
    deployed.hook("config-changed")
    shared = sent(juju, name)
    assert shared.hosts == [], "all units"
    assert shared.check.interval == 3
    if endpoint == "haproxy-route":
        assert (plain.protocol, plain.hostname, plain.ports) == ("http", None, [5000])
        assert (shared.protocol, shared.hostname) == ("https", "registry.example.com")
        assert plain.service.endswith("-docker-registry")
        assert plain.check.path == "/"
        assert plain.rewrites[0].expression == "https"
    else:
        assert (plain.port, plain.enforce_tls, plain.tls_terminate) == (5000, False, False)
        assert (shared.enforce_tls, shared.tls_terminate) == (True, False)
    before = ours(juju, name)
    juju.change(config={"website-check-fall": 0})
    deployed.hook("config-changed")
    assert ours(juju, name) == before


def test_a_follower_publishes_its_address_alone(deployed, juju):
    juju.change(is_leader=False)
    name = relate(juju, deployed, "haproxy-route", {"haproxy/0": {}}, 1)
    assert ours(juju, name) == {}
    assert Unit.load(bag(juju, name))


def test_clients_go_where_the_proxy_says(deployed, juju):
    clients = relate(juju, deployed, "docker-registry", {"node/0": {}}, 1)
    name = relate(juju, deployed, "haproxy-route", {"haproxy/0": {}}, 2)
    assert "haproxy-route: the proxy does not serve the registry yet." in juju.model["status"][1]
    own = netloc(juju, clients)
    for answer, expected in (
        ('["https://registry.example.com/"]', "registry.example.com"),
        ('["https://registry.example.com:8443", "ftp://x", 7]', "registry.example.com:8443"),
        ('["https://registry"]', "registry:443"),
        ("[]", None),
        ("junk", None),
        ('["http://registry.example.com", "https://a b"]', None),
    ):
        say(juju, deployed, name, haproxy={"endpoints": answer})
        assert netloc(juju, clients) == ((expected, f"https://{expected}") if expected else own), answer
    say(juju, deployed, name, haproxy={"endpoints": '["https://registry.example.com"]'})
    assert juju.model["status"][1] == "Ready at registry.example.com (https, proxied)."
    juju.change(config={**TLS, "tls-client-ca-blob": TLS["tls-ca-blob"]})
    deployed.hook("config-changed")
    assert "haproxy-route: tls-client-ca-blob requires client certificates" in juju.model["status"][1]
    deployed.hook("haproxy-route-relation-broken", JUJU_RELATION_ID=name)
    assert netloc(juju, clients)[0] == own[0]


def test_a_proxy_that_passes_tls_through_leaves_the_scheme_to_the_registry(deployed, juju):
    clients = relate(juju, deployed, "docker-registry", {"node/0": {}}, 1)
    name = relate(juju, deployed, "haproxy-route-tcp", {"haproxy/0": {}}, 2)
    for answer, expected in (
        ('["10.0.8.9:5000", "10.0.8.8:5000"]', "10.0.8.8:5000"),
        ('["fd00::8:5000"]', "[fd00::8]:5000"),
        ('["tcp://10.0.8.8:5000"]', "10.0.8.8:5000"),
        ('["10.0.8.8:x", ":5000", "10.0.8.8", {}]', "10.0.0.10:5000"),
    ):
        say(juju, deployed, name, haproxy={"endpoints": answer})
        assert netloc(juju, clients) == (expected, f"http://{expected}"), answer
