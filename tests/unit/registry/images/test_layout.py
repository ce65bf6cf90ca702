"""Indexes of OCI layouts, as documents."""

import pytest
from registry.images import layout

DOCUMENTS = {
    "sha256:a": {"config": {"digest": "sha256:ca"}, "layers": [{"digest": "sha256:1"}, {"digest": "sha256:2"}]},
    "sha256:b": {"config": {"digest": "sha256:cb"}, "layers": []},
    "sha256:both": {
        "manifests": [
            {"digest": "sha256:a", "platform": {"architecture": "amd64"}},
            {"digest": "sha256:b", "platform": {"architecture": "arm64"}},
        ]
    },
}
DOCKER, CONTAINERD = "org.opencontainers.image.ref.name", "io.containerd.image.name"


def entries(digest, annotations=None, architecture="amd64"):
    index = {"manifests": [{"digest": digest, "annotations": annotations}]}
    return list(layout.oci_entries(index, DOCUMENTS.__getitem__, architecture))


def test_an_image_is_its_configuration_and_its_layers():
    layers = ["blobs/sha256/1", "blobs/sha256/2"]
    assert entries("sha256:a") == [{"Config": "blobs/sha256/ca", "RepoTags": [], "Layers": layers}]


@pytest.mark.parametrize(("architecture", "configs"), [("amd64", ["ca"]), ("arm64", ["cb"]), ("s390x", [])])
def test_of_an_index_the_image_of_the_architecture_counts(architecture, configs):
    found = entries("sha256:both", architecture=architecture)
    assert [entry["Config"] for entry in found] == [f"blobs/sha256/{config}" for config in configs]


@pytest.mark.parametrize(
    ("annotations", "names"),
    [
        (None, []),
        ({}, []),
        ({DOCKER: "registry:2"}, ["registry:2"]),
        ({DOCKER: "2", CONTAINERD: "docker.io/library/registry:2"}, ["docker.io/library/registry:2"]),
        ({DOCKER: "No Name"}, []),
    ],
)
def test_names(annotations, names):
    (entry,) = entries("sha256:a", annotations)
    assert entry["RepoTags"] == names
