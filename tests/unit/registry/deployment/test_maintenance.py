"""The registry's own garbage collection, in a container beside the registry."""

import itertools

import fakes
import pytest
from deploying import deploy, release
from registry.deployment.maintenance import CollectionFailed, Maintenance
from registry.formats import names


class Endless(fakes.FakeEngine):
    """Docker, in which a collection never ends."""

    def start(self, name):
        super().start(name)
        self.containers[name]["status"] = "running"


def test_a_collection_ends_when_the_other_units_accept_pushes_again(store):
    docker, clock = Endless(), itertools.count()
    deploy(docker, store, release())
    with pytest.raises(CollectionFailed, match="does not end in time"):
        Maintenance(docker, store, lambda seconds: None, lambda: next(clock)).collect(release(), dry_run=False, until=9)
    assert next(clock) == 10
    assert names.MAINTENANCE not in docker.containers
