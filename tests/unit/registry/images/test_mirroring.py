"""Names of mirrored images."""

import pytest
from registry.images.mirroring import BadName, check_prefix, copies
from registry.images.reference import Reference

DIGEST = f"sha256:{'0a' * 32}"


def targets(template, *names):
    return [copy.target for group in copies(map(Reference.parse, names), template) for copy in group]


@pytest.mark.parametrize(
    ("name", "template", "target"),
    [
        ("ubuntu:24.04", "", "library/ubuntu:24.04"),
        ("index.docker.io/team/app", "REPOSITORY", "team/app:latest"),
        ("rocks.canonical.com/cdk/pause:3.1", "REPOSITORY", "cdk/pause:3.1"),
        ("registry.k8s.io/coredns/coredns:v1.12", "NAME", "coredns:v1.12"),
        ("host.example:5000/a/b:1", "HOST/REPOSITORY", "host.example-5000/a/b:1"),
        ("ghcr.io/a/b:1", "mirror/HOST/NAME", "mirror/ghcr.io/b:1"),
        (f"ghcr.io/a/b@{DIGEST}", "x/REPOSITORY", f"x/a/b@{DIGEST}"),
        (f"ghcr.io/a/b:1@{DIGEST}", "REPOSITORY", f"a/b:1@{DIGEST}"),
    ],
)
def test_names(name, template, target):
    assert targets(template, name) == [target]


def test_images_of_one_repository_are_one_group():
    groups = copies(map(Reference.parse, ("a.io/x:1", "b.io/y:1", "a.io/x:2")))
    assert [[str(copy.image) for copy in group] for group in groups] == [["a.io/x:1", "a.io/x:2"], ["b.io/y:1"]]


@pytest.mark.parametrize(
    ("names", "template", "reason"),
    [
        (["a.io/x:1", "b.io/x:1"], "", "a.io/x:1 and b.io/x:1 would both be stored as x:1. Keep them apart"),
        (["a.io/x:1"], "NOBODY", "'NOBODY' makes 'NOBODY' of a.io/x:1, which is not the name of a repository"),
        (["a.io/x:1"], "Team/NAME", "'Team/NAME' makes 'Team/x'"),
        (["a.io/x:1"], "NAME:2", "'NAME:2' makes 'x:2'"),
        (["a.io/x:1"], "a//NAME", "'a//NAME' makes 'a//x'"),
    ],
)
def test_names_that_cannot_be(names, template, reason):
    with pytest.raises(BadName) as raised:
        targets(template, *names)
    assert str(raised.value.text).startswith(reason)


def test_a_prefix_begins_with_a_host():
    for good in ("", "rocks.canonical.com/cdk", "host:5000", "host.example/"):
        check_prefix(good)
    for bad in ("cdk", "https://host.example", "Host/"):
        with pytest.raises(BadName):
            check_prefix(bad)
