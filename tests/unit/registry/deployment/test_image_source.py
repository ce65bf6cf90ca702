"""Where the registry's image comes from, and what is said when it does not come."""

import json

import pytest
from fakes import FakeEngine
from registry.deployment import image_source
from registry.formats.inspection import DIGEST_LABEL
from registry.machine import engine
from test_archive import docker_save, tar
from test_inspection import inspection


def ensure(resource, docker):
    source = image_source.Source("registry:2", is_default=True, resource=resource, fresh=False)
    return image_source.ensure_image(source, docker, print)


class Full(FakeEngine):
    """A machine without room."""

    def architecture(self):
        return "amd64"

    def load(self, file):
        raise OSError(28, "No space left on device")


def test_a_full_disk_is_an_error(tmp_path):
    with pytest.raises(image_source.NoImage, match=r"^the resource registry-image cannot be loaded \(.*No space left"):
        ensure(docker_save(tmp_path / "a.tar", "registry:2"), Full())


def test_a_missing_resource_is_an_error(tmp_path):
    with pytest.raises(image_source.NoImage, match=r"^the resource registry-image cannot be loaded \(.*No such file"):
        ensure(tmp_path / "gone", Full())


def test_a_resource_that_is_no_archive_is_an_error(tmp_path):
    (tmp_path / "junk").write_bytes(b"junk")
    with pytest.raises(
        image_source.NoImage,
        match=r"^the resource registry-image is not an archive of images \(it cannot be read: [^\n]*\)\. Attach",
    ):
        ensure(tmp_path / "junk", Full())


def test_an_archive_for_another_architecture_says_for_which(tmp_path):
    entries = [{"Config": "abc.json", "RepoTags": ["registry:2"], "Layers": []}]
    path = tar(
        tmp_path / "a.tar", {"manifest.json": json.dumps(entries).encode(), "abc.json": b'{"architecture": "arm64"}'}
    )
    with pytest.raises(
        image_source.NoImage,
        match=r"contains no image for this machine, but for arm64\. Attach an archive for amd64$",
    ):
        ensure(path, Full())


VERSION = "docker-registry-version"
OUTPUT = b"registry github.com/docker/distribution v2.8.3\n"


def known(status):
    """The container that prints the version, as Docker shows it."""
    return inspection(status, labels={DIGEST_LABEL: ""}, cmd=["--version"])


def frame(data):
    """What the container printed, as Docker sends it: https://docs.docker.com/reference/api/engine/#tag/Container."""
    return b"\x01\0\0\0" + len(data).to_bytes(4, "big") + data


@pytest.fixture
def image(daemon):
    """Docker as it answers for an image of a registry; a test changes an answer."""
    daemon.answers |= {
        "POST /containers/create": (201, {"Id": "c1"}),
        f"GET /containers/{VERSION}/json": (200, known("exited")),
        f"GET /containers/{VERSION}/logs": (200, frame(OUTPUT)),
    }
    return daemon


def test_the_container_that_prints_the_version_is_labelled_as_ours(docker, image):
    assert image_source.registry_version(docker, "sha256:1") == "2.8.3"
    created = json.loads(image.bodies["POST /containers/create"])
    assert created["Labels"] == {DIGEST_LABEL: ""}
    changes = [call.partition("?")[::2] for call in image.calls if not call.startswith("GET")]
    assert [path for path, _ in changes] == [
        "DELETE /containers/c1",  # one that a crash left
        "POST /containers/create",
        f"POST /containers/{VERSION}/start",
        "DELETE /containers/c1",
    ]
    assert ("POST /containers/create", f"name={VERSION}") in changes


@pytest.mark.parametrize(
    ("call", "status", "body"),
    [
        ("POST /containers/create", 400, {"message": "No command specified"}),
        (f"POST /containers/{VERSION}/start", 400, {"message": 'exec: "--version": executable file not found'}),
        (f"POST /containers/{VERSION}/start", 404, {"message": 'exec: "--version": no such file or directory'}),
        (f"GET /containers/{VERSION}/logs", 200, frame(b"nginx version: nginx/1.25")),
    ],
)
def test_an_image_that_prints_no_version_is_no_registry(docker, image, call, status, body):
    image.answers[call] = (status, body)
    assert image_source.registry_version(docker, "sha256:1") is None
    assert image.calls[-1].startswith("DELETE /containers/c1?")


@pytest.mark.parametrize(
    ("call", "status"),
    [
        ("POST /containers/create", 404),
        ("POST /containers/create", 409),
        ("POST /containers/create", 500),
        (f"POST /containers/{VERSION}/start", 500),
        (f"GET /containers/{VERSION}/json", 500),
        (f"GET /containers/{VERSION}/logs", 500),
    ],
)
def test_a_docker_that_fails_is_not_the_images_fault(docker, image, call, status):
    image.answers[call] = (status, {"message": "no space left on device"})
    with pytest.raises(engine.EngineError, match="no space left on device"):
        image_source.registry_version(docker, "sha256:1")


def test_an_image_that_keeps_running_with_version_is_no_registry(docker, image, monkeypatch):
    monkeypatch.setattr(image_source, "VERSION_SECONDS", 0.2)
    image.answers[f"GET /containers/{VERSION}/json"] = (200, known("running"))
    image.answers[f"GET /containers/{VERSION}/logs"] = (200, b"")
    assert image_source.registry_version(docker, "sha256:1") is None
    assert image.calls[-1].startswith("DELETE /containers/c1?")


class Loads(FakeEngine):
    """A machine whose images are those that an archive gives it."""

    def __init__(self, loaded, keeps=True):
        super().__init__()
        self.images, self.loaded, self.keeps = {}, loaded, keeps

    def architecture(self):
        return "amd64"

    def load(self, file):
        self.images = dict.fromkeys(self.loaded, "sha256:one") if self.keeps else {}
        return self.loaded


def test_what_comes_of_a_resource_and_of_a_pull(tmp_path):
    resource, empty = docker_save(tmp_path / "a.tar", "registry:2"), tmp_path / "empty"
    empty.write_bytes(b"")
    nginx = Loads(["nginx:1"])
    nginx.images, nginx.pullable = {}, {"nginx:1": "sha256:nginx"}
    other = {"reference": "nginx:1", "is_default": False}
    for docker, changes, expected in (
        (Loads(["registry:2"]), {}, "sha256:one"),
        (Loads([]), {}, r"^the resource registry-image contains no image for this machine\. Attach"),
        (Loads(["registry:2"], keeps=False), {}, "^registry:2 was removed from the machine after Docker got it"),
        (Loads([]), {**other, "resource": empty}, "cannot be pulled: no route"),
        (Loads([]), other, "cannot be pulled: no route"),
        (nginx, other, "^nginx:1 is not a registry"),
    ):
        said = []
        source = image_source.Source(
            **{"reference": "registry:2", "is_default": True, "resource": resource, "fresh": True, **changes}
        )
        if expected.startswith("sha256:"):
            assert image_source.ensure_image(source, docker, said.append).id == expected
        else:
            with pytest.raises(image_source.NoImage, match=expected):
                image_source.ensure_image(source, docker, said.append)
        unused = ["The resource registry-image does not contain nginx:1 and is not used."]
        assert said == (unused if changes == other else [])
