"""What the tests of `registry.deployment` share: a release, a switch over a fake engine, what is left of it."""

import dataclasses

from registry.deployment import switch
from registry.formats import htpasswd
from registry.options import options
from registry.release import configuration, container
from registry.release.release import Release
from test_options import DEFAULTS

OWN = htpasswd.User("juju-docker-registry", "of its own")


def release(image_id="sha256:one", name="registry", port=5000, secret="s", **config):
    spec = container.ContainerSpec(
        name, image_id, {"5000": port}, (container.Mount("/srv/registry", "/var/lib/registry"),)
    )
    requested = options.Options.from_config({**DEFAULTS, **config})
    return Release(spec, configuration.config_yml(requested, secret, 2))


def switcher(docker, store):
    return switch.Switch(docker, store, OWN, docker.client, docker.bridge, docker.deadline())


def deploy(docker, store, requested, state="ask"):
    before = store.current() or requested
    if state == "ask":
        state = docker.inspect(before.container.name)
    docker.calls.clear()
    return switcher(docker, store).deploy(requested, state)


def assert_settled(docker, store, requested):
    assert docker.serving(requested.port) == requested.digest
    assert list(docker.containers) == [requested.container.name]
    assert store.current() == requested
    assert store.unfinished_switch() == set()
    assert docker.bridge.rules == {}


def away(docker, store):
    """What served is stopped, and the disk with its images is away."""
    deploy(docker, store, release())
    docker.stop("registry")
    docker.missing.add("/srv/registry")
    docker.calls.clear()


ELSEWHERE = dataclasses.replace(release(), container=dataclasses.replace(release().container, mounts=()))
