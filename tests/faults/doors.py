"""The fixtures of charms and units whose programs can be traced; the others are those of the integration tests."""

from __future__ import annotations

import pathlib

import prepared
import pytest
import tracing
from unit import Unit


@pytest.fixture(scope="session")
def charm(built, tmp_path_factory) -> pathlib.Path:
    """The built charm, whose programs can be traced."""
    return tracing.with_doors(built, tmp_path_factory.mktemp("doors") / "docker-registry.charm")


@pytest.fixture(scope="session")
def deploy(model, charm, archives):
    """Deploys the charm on a machine that has what traces it, by the application's name."""

    def do(app: str, charm: pathlib.Path = charm, **config: str | int) -> Unit:
        constraints = {"image-id": prepared.with_packages("traced", ["strace"])}
        resources = {"registry-image": str(archives.registry)}
        model.deploy(charm, app, config=config or None, resources=resources, constraints=constraints)
        one = Unit(model, f"{app}/0")
        one.settle()
        return one

    return do


@pytest.fixture(scope="session")
def deployed(deploy) -> Unit:
    """The unit that most tests share, as in the integration tests."""
    return deploy("docker-registry")
