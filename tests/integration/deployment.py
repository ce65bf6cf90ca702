"""The charm as built, on machines of a model: of localjuju, or of the controller that JUJU's command speaks to."""

from __future__ import annotations

import contextlib
import os
import pathlib
import secrets
import sys
import zipfile

import jubilant
import pytest
from local import Local
from unit import Unit

ROOT = pathlib.Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tools"))

import image_files  # noqa: E402
import images  # noqa: E402

LOCAL = pathlib.Path(sys.executable).parent / "localjuju"


def pytest_report_header() -> str:
    """Say whose machines these are."""
    return f"juju: {command()}"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that takes published charms, on a real controller."""
    parser.addoption("--charmhub", action="store_true", help="deploy the published haproxy and nrpe")


def command() -> str:
    """Return the juju command to use."""
    return os.environ.get("JUJU") or str(LOCAL)


@pytest.fixture(scope="session")
def charm() -> pathlib.Path:
    """The charm as `make build` left it."""
    path = ROOT / "docker-registry.charm"
    assert path.exists(), "run `make build` first"
    return path


@pytest.fixture(scope="session")
def archives() -> images.Archives:
    """The registry's image and its relatives, as files."""
    return images.archives()


PUBLISHED = ("haproxy", "nrpe")
"""Stand-ins whose names, options and files are those of charms on Charmhub."""


@pytest.fixture(scope="session")
def stand_in(tmp_path_factory, request):
    """Packs a charm of tests/charms, by its name; with --charmhub, the published one takes its place."""
    folder = tmp_path_factory.mktemp("charms")

    def pack(name: str) -> pathlib.Path | str:
        if name in PUBLISHED and request.config.getoption("--charmhub", default=False):
            return name
        source, target = ROOT / "tests/charms" / name, folder / f"{name}.charm"
        with zipfile.ZipFile(target, "w") as archive:
            for path in sorted(source.rglob("*")):
                archive.write(path, path.relative_to(source))  # with its mode
        return target

    return pack


@pytest.fixture(scope="session")
def model():
    """A model of its own for this run."""
    with contextlib.ExitStack() as stack:
        if command() == str(LOCAL):
            juju = stack.enter_context(Local(cli_binary=command(), wait_timeout=900))
        else:
            juju = jubilant.Juju(cli_binary=command(), wait_timeout=900)
        name = f"test-{secrets.token_hex(3)}"
        juju.add_model(name)
        stack.callback(juju.destroy_model, name, force=True)
        yield juju


@pytest.fixture(scope="session")
def deployed(model, charm, archives) -> Unit:
    """One unit that most tests share; each leaves it as it found it: `Ready`, with the default configuration."""
    model.deploy(charm, "docker-registry", resources={"registry-image": str(archives.registry)})
    unit = Unit(model, "docker-registry/0")
    unit.settle()
    return unit


@pytest.fixture
def unit(deployed: Unit) -> Unit:
    """The shared unit, seen to be well before the test begins."""
    status = deployed.status()
    if status[0] != "active":  # the test before has failed, and is not to fail the others
        deployed.juju.config(deployed.app, {}, reset=list(deployed.juju.config(deployed.app)))
        status = deployed.status(deployed.settle())
    assert status == ("active", f"Ready at {deployed.address}:5000 (http).")
    return deployed


@pytest.fixture(scope="session")
def small_image(archives, tmp_path_factory) -> pathlib.Path:
    """An image that is quickly pushed, as `docker save` writes it, called `small:1`."""
    hello = image_files.layer({"hello": image_files.Entry(secrets.token_bytes(1000))})
    archive = tmp_path_factory.mktemp("small") / "small.tar"
    image_files.save(
        image_files.Image((hello,), {}, images.registry().architecture, "2024-01-01T00:00:00Z"), archive, "small:1"
    )
    return archive
