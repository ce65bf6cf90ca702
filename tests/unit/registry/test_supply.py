"""Where the registry's image comes from, and what is said when it does not come."""

import pytest
from fakes import FakeEngine
from registry.deployment import image_source
from test_archive import docker_save


def obtain(resource, docker):
    return image_source.obtain("registry:2", resource, docker, print, fresh=False)


class Full(FakeEngine):
    """A machine without room."""

    def architecture(self):
        return "amd64"

    def load(self, images, scratch):
        raise OSError(28, "No space left on device")


def test_a_machine_that_does_not_take_the_resource_is_a_clause(tmp_path):
    with pytest.raises(image_source.NoImage, match=r"^the resource registry-image cannot be loaded: .*No space left"):
        obtain(docker_save(tmp_path / "a.tar", "registry:2"), Full())


def test_a_resource_that_is_gone_is_a_clause(tmp_path):
    with pytest.raises(image_source.NoImage, match=r"^the resource registry-image cannot be loaded: .*No such file"):
        obtain(tmp_path / "gone", Full())


def test_a_resource_that_is_junk_is_a_clause(tmp_path):
    (tmp_path / "junk").write_bytes(b"junk")
    with pytest.raises(image_source.NoImage, match=r"^the resource registry-image is not an image: it cannot be read"):
        obtain(tmp_path / "junk", Full())
