"""The charm on another release: a newer Python, a newer Docker."""

import pytest
from unit import Unit, is_local


@pytest.fixture(scope="module")
def newer(model, charm, archives):
    """A unit on a bare Debian 13: Python 3.13, Docker 26.1, its `docker` command a package of its own."""
    if not is_local(model):
        pytest.skip("the releases of a real cloud are chosen when the model is made")
    resources = {"registry-image": str(archives.registry)}
    model.deploy(charm, "newer", constraints={"image-id": "trixie"}, resources=resources)
    yield Unit(model, "newer/0")
    model.remove_application("newer", force=True)


def test_the_charm_deploys_there_and_takes_a_change(newer):
    assert newer.status() == ("active", f"Ready at {newer.address}:5000 (http).")
    assert newer.exec("python3 --version").startswith("Python 3.13")
    assert newer.exec("docker version --format {{.Server.Version}}").startswith("26.")
    assert newer.config(registry_port=5001) == ("active", f"Ready at {newer.address}:5001 (http).")
    assert newer.answers(5001)
    assert newer.containers() == ["registry"]
    newer.reboot()
    assert newer.answers(5001)
